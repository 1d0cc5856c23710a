"""The study database: Optuna's tables and ours, in one place. The only room that imports SQLAlchemy."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

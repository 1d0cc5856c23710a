"""The search: space, initial design, sampler, pruning, and the Optuna side of a study."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

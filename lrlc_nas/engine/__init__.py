"""What carries a study out: its runs, their workers, attempts and leases; confirmation, test, export."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

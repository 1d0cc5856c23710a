"""What one run needs around its training, whoever trains it: checkpoints, memory, lost devices, random streams."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

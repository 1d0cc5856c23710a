"""What the search does not know: how a host is made, what a sample is, how a network is trained and scored."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""Where should a network stop sharing its kernels across positions, by how much, and is the gain real?

The public names are here. Each is loaded when it is asked for, so that `import lrlc_nas` imports nothing and
`lrlc_nas.layers` needs torch alone.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

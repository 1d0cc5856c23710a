"""Where should a network stop sharing its kernels across positions, by how much, and is the gain real?

Nothing is imported here, so that `lrlc_nas.layers` and `lrlc_nas.networks` need torch alone.
"""

__version__ = "0.1.0"

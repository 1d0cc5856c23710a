"""The images that ship with the package: a balanced part of Fashion-MNIST (see LICENSE beside this file)."""

from .subset import load_embedded

__all__ = ["load_embedded"]

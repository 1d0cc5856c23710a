"""What studies are after crashes, storms, races and damage; needs all of the package."""

from .programme import Extent, find, find_soaked, run_faults


__all__ = ["Extent", "find", "find_soaked", "run_faults"]

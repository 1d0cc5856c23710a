"""Image sets as tensors: loading, splits, augmentation, fingerprints.

An image set is small enough to lie in memory, and on the device, as one tensor of bytes: no data loader and
no worker processes are needed, and each batch is one indexing operation.
"""

from .augmentation import Augmentation, augment
from .images import ImageSet
from .sources import FORMS, load_images
from .splits import Splits, Subset, split

__all__ = ["FORMS", "Augmentation", "ImageSet", "Splits", "Subset", "augment", "load_images", "split"]

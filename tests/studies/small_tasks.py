"""The tasks of `studies/`, small: fewer images and epochs, narrower hosts. Workers import them by name."""

from dataclasses import replace
from functools import partial

from studies import rotation, segmentation

for _module in (rotation, segmentation):
    _module.PARTS = {
        "train": slice(100), "search": slice(100, 150), "confirm": slice(150, 200), "test": slice(200, 250)
    }  # fmt: skip

iou = replace(segmentation.task, host=partial(segmentation.UNet, 3), train=partial(segmentation.train, epochs=4))
angle = replace(rotation.task, host=partial(rotation.Regressor, 3), train=partial(rotation.train, epochs=3))

"""Images from a function of the user's."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import InputError
from ..references import call_with_options, import_function
from .images import ImageSet
from .request import Request

__all__ = ["load_users_own"]


def load_users_own(request: Request, /, **options: object) -> ImageSet:
    """Load ``package.module:function``: what ``function(**options)`` returns.

    That is an `ImageSet`, or ``(images, labels)``, or ``(images, labels, test_images, test_labels)``: images
    as uint8 with shape (N, C, H, W), labels as whole numbers from 0; each a tensor or an array.

    Raises:
        InputError: if the function cannot be imported or fails, or returns something else.
    """
    function = import_function(request.name)
    try:
        returned = call_with_options(function, options)
    except InputError:
        raise
    except Exception as error:  # the function is the user's: it can raise anything
        raise InputError(f"the function failed: {type(error).__name__}: {error}") from error
    if isinstance(returned, ImageSet):
        return returned
    match returned:
        case [images, labels]:
            return _image_set(request.name, images, labels)
        case [images, labels, test_images, test_labels]:
            return _image_set(request.name, images, labels, test_images, test_labels)
    raise InputError(
        "the function must return an ImageSet, (images, labels) or (images, labels, test_images, "
        f"test_labels), but returned {_described(returned)}"
    )


def _image_set(
    name: str, images: object, labels: object, test_images: object = None, test_labels: object = None
) -> ImageSet:
    numbers = _labels(labels)
    classes = tuple(str(number) for number in range(int(numbers.max()) + 1)) if numbers.numel() else ()
    if test_images is None:
        return ImageSet(name, _tensor(images), numbers, None, None, classes)
    return ImageSet(name, _tensor(images), numbers, _tensor(test_images), _labels(test_labels), classes)


def _labels(values: object) -> Tensor:
    labels = _tensor(values)
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise InputError(f"labels must be whole numbers, but got {labels.dtype}")
    return labels.long()


def _tensor(values: object) -> Tensor:
    try:
        return torch.as_tensor(values).cpu()
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"images and labels must be tensors or arrays, but got {_described(values)}") from error


def _described(value: object) -> str:
    name = type(value).__name__
    return f"a {name} of {len(value)}" if isinstance(value, tuple | list) else f"a {name}"

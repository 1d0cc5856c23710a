"""Hosts by name: any classifier with `Conv2d` layers can be asked where it should stop sharing its kernels.

===========================  =============================================================================
``paper-cnn``                the small network of the LRLC paper; options ``channels``, ``strides``,
                             ``padding``, ``kernel_size``
``torchvision:NAME``         a classification model of torchvision, untrained; option ``stem``
``package.module:function``  the user's own, called as ``function(channels=, classes=, size=, **options)``
===========================  =============================================================================
"""

from __future__ import annotations

import difflib
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import InputError
from ..references import call_with_options, import_function, is_reference

__all__ = ["FORMS", "PaperCnn", "build_host"]

FORMS = ("paper-cnn", "torchvision:NAME", "package.module:function")
"""The forms the name of a host can take."""

_Image = tuple[int, int, int]
_SMALL_BELOW = 64


def build_host(
    name: str, *, channels: int, classes: int, size: tuple[int, int], options: Mapping[str, object] | None = None
) -> nn.Module:
    """Build a host and check, on one batch of black images, that it gives logits.

    Its parameters are drawn from torch's global generator, which the caller seeds. Nothing is downloaded.

    Args:
        name: one of `FORMS`.
        channels: C, the channels of an image.
        classes: the number of classes.
        size: (H, W) of an image.
        options: what else the named host lets one choose.

    Returns:
        The host in training mode, mapping images (B, C, H, W) to logits (B, classes).

    Raises:
        InputError: if the name, an option or the host itself is not usable; the message names the host.
    """
    image = (channels, *size)
    try:
        host = _build(name, image, classes, options or {})
        _require_logits(host, image, classes)
    except InputError as error:
        raise InputError(f"host {name!r}: {error}") from error
    return host.train()


def _build(name: str, image: _Image, classes: int, options: Mapping[str, object]) -> nn.Module:
    if name == "paper-cnn":
        return call_with_options(_paper_cnn, options, image, classes)
    if name.startswith("torchvision:"):
        return call_with_options(_torchvision, options, name.removeprefix("torchvision:"), image, classes)
    if is_reference(name):
        return _users_own(name, image, classes, options)
    raise InputError(f"no such host; a host is one of {', '.join(FORMS)}")


def _require_logits(host: nn.Module, image: _Image, classes: int) -> None:
    parameter = next(host.parameters(), torch.empty(0))
    images = torch.zeros(2, *image, dtype=parameter.dtype, device=parameter.device)
    try:
        with torch.no_grad():
            logits = host.eval()(images)
    except Exception as error:  # a foreign network can raise anything
        what = f"{type(error).__name__}: {error}"
        raise InputError(f"cannot take images of shape {tuple(images.shape)}: {what}") from error
    got = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
    if got != (2, classes):
        raise InputError(
            f"images of shape {tuple(images.shape)} must give logits of shape {(2, classes)}, but gave {got}"
        )


# The network of the paper


class PaperCnn(nn.Sequential):
    """The reference network: layers of convolution, batch norm and ReLU, global average pool, linear logits.

    Revisiting Spatial Invariance with Low-Rank Local Connectivity (Elsayed et al., 2020)
    https://arxiv.org/abs/2002.02959
    """

    def widening(self, site: str, rank: int) -> tuple[int, tuple[str, ...]] | None:
        """How the paper widens a convolution to the parameters of a low-rank layer of rank K.

        The width is floor(F(KC + F)/(C + F)), with which this layer and the next, if that has F filters too,
        have the parameters of K banks here; it is KF in the last layer.

        Returns:
            The number of filters, and the modules that follow up to the one that reads them; None for what is
            no convolution of this network.
        """
        modules = dict(self.named_children())
        conv = modules.get(site)
        if not isinstance(conv, nn.Conv2d):
            return None
        names = list(modules)
        after = names[names.index(site) + 1 :]
        reader = next(name for name in after if isinstance(modules[name], nn.Conv2d | nn.Linear))
        inputs, filters = conv.in_channels, conv.out_channels
        width = filters * (rank * inputs + filters) // (inputs + filters)
        if isinstance(modules[reader], nn.Linear):
            width = rank * filters
        return width, tuple(after[: after.index(reader) + 1])


def _paper_cnn(
    image: _Image,
    classes: int,
    *,
    channels: object = 64,
    strides: object = (1, 1, 1),
    padding: object = "valid",
    kernel_size: object = 3,
) -> PaperCnn:
    """The reference network; padding is ``valid`` by default, as zeros at the border would tell where it is."""
    steps = _whole_numbers("strides", strides)
    widths = _whole_numbers("channels", [channels] * len(steps) if isinstance(channels, int) else channels)
    (taps,) = _whole_numbers("kernel_size", [kernel_size])
    if len(widths) != len(steps):
        raise InputError(f"channels has {len(widths)} entries and strides {len(steps)}; each layer needs one of both")
    pad = _checked_padding(padding, steps)
    _require_room(image[1:], steps, taps, pad)
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    for layer, (before, width, step) in enumerate(zip([image[0], *widths], widths, steps, strict=False), start=1):
        conv = nn.Conv2d(before, width, taps, step, pad, bias=False)
        nn.init.kaiming_uniform_(conv.weight, nonlinearity="relu")
        parts |= {f"conv{layer}": conv, f"bn{layer}": nn.BatchNorm2d(width), f"relu{layer}": nn.ReLU()}
    logits = nn.Linear(widths[-1], classes)
    nn.init.xavier_uniform_(logits.weight)
    nn.init.zeros_(logits.bias)
    parts |= {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "logits": logits}
    return PaperCnn(parts)


def _whole_numbers(name: str, values: object) -> list[int]:
    listed = list(values) if isinstance(values, list | tuple) else []
    if not listed or any(type(value) is not int or value < 1 for value in listed):
        raise InputError(f"{name} must be whole numbers of at least 1, but got {values!r}")
    return listed


def _checked_padding(padding: object, steps: list[int]) -> int | str:
    if padding == "same" and max(steps) > 1:
        raise InputError(f"padding 'same' needs stride 1 in every layer, but strides are {steps}")
    if isinstance(padding, str) and padding in ("valid", "same"):
        return padding
    if type(padding) is int and padding >= 0:
        return padding
    raise InputError(f"padding must be 'valid', 'same' or a whole number of at least 0, but got {padding!r}")


def _require_room(size: tuple[int, ...], steps: list[int], taps: int, pad: int | str) -> None:
    if pad == "same":
        return
    border = pad if isinstance(pad, int) else 0
    for layer, step in enumerate(steps, start=1):
        smaller = tuple((side + 2 * border - taps) // step + 1 for side in size)
        if min(smaller) < 1:
            raise InputError(
                f"layer {layer} would shrink its map of {size[0]}x{size[1]} to nothing "
                f"(kernel_size {taps}, padding {pad!r}, strides {steps})"
            )
        size = smaller


# Torchvision's classification models

_KEYWORDS = {name: {"aux_logits": False, "init_weights": True} for name in ("googlenet", "inception_v3")}
"""Without them, training would give three outputs, and building would warn."""

_FIRST_POOL = {
    "ResNet": "maxpool",
    "DenseNet": "features.pool0",
    "MobileNetV2": "",
    "MobileNetV3": "",
    "EfficientNet": "",
}
"""The families that have a small stem, and the pooling that it leaves out."""


def _torchvision(model: str, image: _Image, classes: int, *, stem: object = None) -> nn.Module:
    """A torchvision model; its ``small`` stem, the default below 64 pixels, keeps the size of the image.

    In it the first convolution is 3x3 with stride 1 and the first pooling is left out, as usual for CIFAR-10.
    """
    if stem not in (None, "small", "original"):
        raise InputError(f"stem must be 'small' or 'original', but got {stem!r}")
    from torchvision import models  # takes as long to import as torch; most studies do without

    host = _get_model(models, model, classes)
    pools = [pool for family, pool in _FIRST_POOL.items() if isinstance(host, getattr(models, family))]
    if stem == "small" and not pools:
        raise InputError(f"there is no small stem for this model, only for {', '.join(_FIRST_POOL)}")
    small = bool(pools) and (stem == "small" or (stem is None and min(image[1:]) < _SMALL_BELOW))
    if small and pools[0]:
        host.set_submodule(pools[0], nn.Identity())
    _fit_first_convolution(host, image[0], small)
    return host


def _get_model(models: Any, model: str, classes: int) -> nn.Module:
    known: list[str] = models.list_models(module=models)
    if model not in known:
        close = difflib.get_close_matches(model, known)
        hint = f"close to it are {', '.join(close)}" if close else f"the models are {', '.join(known)}"
        raise InputError(f"torchvision has no classification model {model!r}; {hint}")
    host: nn.Module = models.get_model(model, weights=None, num_classes=classes, **_KEYWORDS.get(model, {}))
    return host


def _fit_first_convolution(host: nn.Module, channels: int, small: bool) -> None:
    name, first = next((n, m) for n, m in host.named_modules() if isinstance(m, nn.Conv2d))
    if not small and channels == first.in_channels:
        return
    geometry: dict[str, Any] = {"kernel_size": first.kernel_size, "stride": first.stride, "padding": first.padding}
    if small:
        geometry = {"kernel_size": 3, "stride": 1, "padding": 1}
    conv = nn.Conv2d(channels, first.out_channels, bias=first.bias is not None, **geometry)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    host.set_submodule(name, conv)


# The user's own


def _users_own(reference: str, image: _Image, classes: int, options: Mapping[str, object]) -> nn.Module:
    function = import_function(reference)
    given = {"channels": image[0], "classes": classes, "size": image[1:]}
    try:
        host = call_with_options(function, options, **given)
    except InputError:
        raise
    except Exception as error:  # the function is the user's: it can raise anything
        raise InputError(f"the function failed: {type(error).__name__}: {error}") from error
    if not isinstance(host, nn.Module):
        raise InputError(f"the function must return a torch.nn.Module, but returned {type(host).__name__}")
    return host

"""Where, and in which number format and memory layout, a network sees its images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..errors import InputError
from ..layers import tune

__all__ = ["Placement"]


@dataclass(frozen=True, eq=False)
class Placement:
    """A device with everything that turns stored images into the input of a network there.

    Attributes:
        device: where the network computes.
        bf16: whether operations that allow it run in bfloat16.
        channels_last: whether images and convolutions lie in memory with the channels last.
        scale: 1 / (255 · std), shape (1, C, 1, 1), on the device.
        shift: -mean / std, shape (1, C, 1, 1), on the device.
    """

    device: torch.device
    bf16: bool
    channels_last: bool
    scale: Tensor
    shift: Tensor

    @classmethod
    def of(
        cls,
        device: torch.device | str,
        *,
        mean: Sequence[float],
        std: Sequence[float],
        precision: str = "auto",
        channels_last: str = "auto",
    ) -> Placement:
        """Settle what ``auto`` means on a device; the arguments are those of `predict_logits`.

        Raises:
            InputError: if mean and std do not fit together, or a word is unknown.
        """
        _require_word("precision", precision, ("auto", "float32", "bf16"))
        _require_word("channels_last", channels_last, ("auto", "always", "never"))
        place = torch.device(device)
        mean_of, std_of = _channels("mean", mean), _channels("std", std)
        if len(mean_of) != len(std_of):
            raise InputError(f"mean and std must have the same length, but have {len(mean_of)} and {len(std_of)}")
        if not bool((std_of > 0).all()):
            raise InputError(f"std must be above 0 for each channel, but is {std_of.tolist()}")
        return cls(
            device=place,
            bf16=precision == "bf16" or (precision == "auto" and _has_bf16(place)),
            channels_last=channels_last == "always" or (channels_last == "auto" and place.type == "cuda"),
            scale=(1 / (255 * std_of)).float().view(1, -1, 1, 1).to(place),
            shift=(-mean_of / std_of).float().view(1, -1, 1, 1).to(place),
        )

    def place(self, network: nn.Module) -> None:
        """Move a network to the device and lay its convolutions out, in place."""
        network.to(self.device)
        if not self.channels_last:
            return
        # The convolutions alone: relaxed layers gain nothing by another layout of their weights.
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.to(memory_format=torch.channels_last)

    def normalise(self, images: Tensor) -> Tensor:
        """Compute (x / 255 - mean) / std of uint8 images (B, C, H, W): float32 images on this device.

        Autocast lowers them where an operation allows it.
        """
        layout = torch.channels_last if self.channels_last else torch.contiguous_format
        pixels = images.to(self.device).to(torch.float32, memory_format=layout)
        return pixels.mul_(self.scale).add_(self.shift)

    def autocast(self) -> torch.autocast:
        """The context in which the network runs forward."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bf16)

    def tune(self, network: nn.Module, images: Tensor) -> None:
        """Settle how low-rank layers are computed, where that is open: the faster way to train on such a batch."""
        with self.autocast():
            tune(network, self.normalise(images))

    def require_images(self, name: str, images: Tensor) -> None:
        """Raise `InputError` unless these are uint8 images whose channels fit mean and std."""
        if images.dtype != torch.uint8 or images.ndim != 4:
            raise InputError(
                f"{name}: images must be uint8 of shape (N, C, H, W), but are {images.dtype} of shape "
                f"{tuple(images.shape)}"
            )
        if self.scale.shape[1] not in (1, images.shape[1]):
            raise InputError(
                f"{name}: images have {images.shape[1]} channels, but mean and std have {self.scale.shape[1]}"
            )


def _channels(name: str, values: Sequence[float]) -> Tensor:
    numbers = torch.as_tensor(values, dtype=torch.float64).flatten()
    if len(numbers) == 0 or not bool(numbers.isfinite().all()):
        raise InputError(f"{name} must hold a finite number for each channel, but is {numbers.tolist()}")
    return numbers


def _has_bf16(device: torch.device) -> bool:
    if device.type != "cuda":
        return False
    with torch.cuda.device(device):
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))


def _require_word(name: str, value: str, words: tuple[str, ...]) -> None:
    if value not in words:
        raise InputError(f"{name} must be one of {', '.join(words)}, but is {value!r}")

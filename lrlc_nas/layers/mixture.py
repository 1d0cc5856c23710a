"""How a layer mixes K banks at each position: its combining weights, and its position bias."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..errors import InputError
from .combining import PARTS, constant_weight, neighbour_difference, normalized, part_shape, summed
from .geometry import Geometry
from .input_weights import NETWORKS, InputWeights
from .relaxed import OneSizeConv2d

__all__ = ["PositionMixture"]


class PositionMixture(OneSizeConv2d):
    """The part of a low-rank locally connected layer that knows positions; the banks are its heir's.

    Attributes:
        weight_net: the network that computes the combining weights, where they depend on the input; else None.
        row_weights: shape (Y, K); ``column_weights`` (X, K) and ``position_weights`` (Y, X, K) exist where
            the combining weights are their sum.
        row_bias: shape (Y,); ``column_bias`` (X,) and ``position_bias`` (Y, X) exist as the weights do, and one
            of them where these come from the input.
    """

    weight_net: InputWeights | None

    def __init__(self, geometry: Geometry, rank: int, weights: str, normalize: str, spatial_bias: bool) -> None:
        super().__init__(geometry)
        self.rank = rank
        self.weights = weights
        self.normalize = normalize
        self.spatial_bias = spatial_bias

    @property
    def depends_on_input(self) -> bool:
        """Whether the combining weights do, so that each image has kernels of its own."""
        return self.weights in NETWORKS

    def combining_weights(self, input: Tensor | None = None) -> Tensor:
        """The normalised combining weights w, with shape (Y, X, K), or (B, Y, X, K) if they depend on the input.

        The input, (B, C, H, W), is required where w depends on it, and ignored elsewhere.

        Raises:
            InputError: if w depends on the input and none came, or one that the layer does not take.
        """
        if self.weight_net is None:
            return normalized(self._summed("weights"), self.normalize)
        each = normalized(self.weight_net(self._required(input)), self.normalize)
        return each.expand(-1, *self.geometry.output_size, -1)  # the network may tell rows or columns alone apart

    def position_bias_map(self) -> Tensor | None:
        """The position bias s, with shape (Y, X), or None if there is none."""
        return self._summed("bias") if self.spatial_bias else None

    def smoothness(self, input: Tensor | None = None) -> Tensor:
        """`lrlc_nas.layers.combining.neighbour_difference` of `combining_weights`; 0 if all positions are equal."""
        return neighbour_difference(self.combining_weights(input))

    def _add_mixture(self, device: torch.device | str | None, dtype: torch.dtype | None) -> None:
        """Register the parameters, without values; the heir calls this once its banks stand before them."""
        self.weight_net = self._empty_weight_net(device, dtype) if self.depends_on_input else None
        for part in PARTS[self.weights]:
            places = part_shape(part, self.geometry.output_size)
            for name, shape in ((f"{part}_weights", (*places, self.rank)), (f"{part}_bias", places)):
                if self._has(name):
                    empty = torch.empty(shape, device=device, dtype=dtype)
                    self.register_parameter(name, nn.Parameter(empty))

    def _reset_mixture(self) -> None:
        """Mix equally, or by a new random network; set the position bias to zero."""
        self._reset_parts()
        if self.weight_net is not None:
            self.weight_net.reset_parameters()

    def _mix_equally(self) -> None:
        """Mix equally, whatever the combining weights depend on; set the position bias to zero."""
        self._reset_parts()
        if self.weight_net is not None:
            old = self.weight_net.project.weight
            # Drawn on the CPU, so that a seed gives the same network on every device.
            net = self._empty_weight_net("cpu", old.dtype)
            net.reset_parameters()
            net.mix_equally()
            self.weight_net = net.to(old.device)

    def _reset_parts(self) -> None:
        for part in PARTS[self.weights]:
            if self._has(f"{part}_weights"):
                nn.init.constant_(getattr(self, f"{part}_weights"), constant_weight(self.weights, self.rank))
            if self._has(f"{part}_bias"):
                nn.init.zeros_(getattr(self, f"{part}_bias"))

    def _has(self, name: str) -> bool:
        return self.spatial_bias if name.endswith("_bias") else not self.depends_on_input

    def _summed(self, suffix: str) -> Tensor:
        parts = {part: getattr(self, f"{part}_{suffix}") for part in PARTS[self.weights]}
        return summed(parts, self.geometry.output_size)

    def _required(self, input: Tensor | None) -> Tensor:
        if input is None:
            raise InputError(
                f"with weights={self.weights!r} the combining weights and the kernels depend on the input, but "
                "there is none"
            )
        self.geometry.require_input(input)
        if input.dim() != 4:
            raise InputError(
                f"the combining weights of a batch require shape (B, C, H, W), but the input has {tuple(input.shape)}"
            )
        return input

    def _empty_weight_net(self, device: torch.device | str | None, dtype: torch.dtype | None) -> InputWeights:
        sizes = (self.geometry.input_size, self.geometry.output_size)
        # Made without storage, so that no random number is drawn before `reset_parameters` draws them all.
        make = NETWORKS[self.weights]
        net = make(self.geometry.in_channels, *sizes, self.rank, device="meta", dtype=dtype)
        return net.to_empty(device=torch.get_default_device() if device is None else device)

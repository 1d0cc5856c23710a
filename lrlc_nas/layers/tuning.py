"""Which of its two ways computes a low-rank layer: measured before training begins, never in a forward pass.

Which is faster depends on the device, the sizes, the rank and the batch, and no rule of thumb survives a change of
machine. So `tune` times both for each layer, on what the layer meets when the network runs on a sample. The two
differ in their last bits, so whoever must repeat a training exactly keeps what was found (`remembering`), or names a
computation.
"""

from __future__ import annotations

import copy
import math
import platform
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from .low_rank import COMPUTATIONS, LowRankLocallyConnected2d
from .random_state import random_state
from .samples import Sample, call, device_of

__all__ = ["Memory", "Situation", "processor", "remembering", "step_seconds", "tune", "use_computation", "wait_for"]

_FRUGAL = "kernel"
"""The computation to take where memory is too short to measure; it keeps least for the backward pass."""

_CPUINFO = Path("/proc/cpuinfo")

_Seen = tuple[Tensor, torch.autocast]
"""What a layer met in a forward pass: its input, cut off from the graph, and the autocast there."""

_ROUNDS = 5
_CLEAR = (4.0, 1.5)
"""By how much one has to lead to be chosen at once: in the first round, which warms up, and in later ones."""


class Memory(Protocol):
    """Where choices are kept: a dictionary from the text of a situation to a computation, or something like it."""

    def get(self, situation: str, /) -> str | None:
        """The computation that was chosen, or None."""

    def setdefault(self, situation: str, computation: str, /) -> str:
        """Keep a computation unless there is one, and return the one that is kept."""


@dataclass(frozen=True)
class Situation:
    """All that the speed of a layer depends on.

    Attributes:
        device: its name; on the CPU that of the processor, with the number of threads.
        dtype: in which the products are computed.
        layout: of the input, ``contiguous`` or ``channels_last``.
        batch: B, rounded up to a power of two.
        layer: its sizes, in words.
        gradients: which are needed: ``none``, ``parameters``, ``input`` or ``both``.
    """

    device: str
    dtype: str
    layout: str
    batch: int
    layer: str
    gradients: str

    @classmethod
    def of(cls, layer: LowRankLocallyConnected2d, x: Tensor) -> Situation:
        """The situation of a layer that meets x, with shape (B, C, H, W), under the present autocast."""
        kind = x.device.type
        lowered = torch.is_autocast_enabled(kind) and x.dtype != torch.float64
        return cls(
            device=_device_name(x.device),
            dtype=str(torch.get_autocast_dtype(kind) if lowered else x.dtype).removeprefix("torch."),
            layout="contiguous" if x.is_contiguous() else "channels_last",
            batch=1 << max(0, len(x) - 1).bit_length(),
            layer=layer.sizes,
            gradients=_gradients(x, layer),
        )

    @property
    def text(self) -> str:
        """One line; equal for equal situations."""
        mode = f"gradients of {self.gradients}" if self.gradients != "none" else "inference"
        return f"{self.device}; {self.dtype}, {self.layout}; batch {self.batch}; {self.layer}; {mode}"


def tune(network: nn.Module, sample: Sample) -> dict[str, str]:
    """Set how each low-rank layer of a network is computed, where that is ``auto``: the faster way to train it.

    The network runs once on the sample, in evaluation mode, so that its statistics and the global random numbers go
    on as if nothing had happened. Then each layer is timed both ways on what it met: the forward pass, and the
    backward pass unless gradients are switched off. Where memory is too short for that, the computation that keeps
    least is taken, and not remembered: the next time there may be room. Layers that were not met, or have no choice,
    stay as they are. To be called before the network is compiled, where it is to be trained, with a sample of the size,
    layout and dtype of a batch, under the autocast of training.

    Returns:
        The name of each layer that was set, to ``bank`` or ``kernel``.
    """
    layers = {
        name: layer
        for name, layer in network.named_modules()
        if isinstance(layer, LowRankLocallyConnected2d) and layer.computation == "auto" and not layer.depends_on_input
    }
    if not layers or device_of(sample).type == "meta":
        return {}
    try:
        chosen = {name: _chosen(layers[name], seen) for name, seen in _seen(network, layers, sample).items()}
    except RuntimeError as error:
        if not _is_exhaustion(error):
            raise
        chosen = dict.fromkeys(layers, _FRUGAL)
    for name, computation in chosen.items():
        layers[name].computation = computation
    return chosen


def use_computation(network: nn.Module, computation: str) -> None:
    """Set how every low-rank layer of a network is computed that has a choice: ``auto``, ``bank`` or ``kernel``.

    Raises:
        InputError: if there is no such computation.
    """
    for layer in network.modules():
        if isinstance(layer, LowRankLocallyConnected2d) and not layer.depends_on_input:
            layer.computation = computation


@contextmanager
def remembering(memory: Memory) -> Iterator[None]:
    """Keep the choices of this process in another memory until the block ends."""
    global _memory
    before, _memory = _memory, memory
    try:
        yield
    finally:
        _memory = before


def step_seconds(layer: LowRankLocallyConnected2d, computation: str, x: Tensor) -> float:
    """Seconds that a layer takes for x one way, forward, and backward for all that needs a gradient.

    Infinity if there is not enough memory.
    """
    leaves = [tensor for tensor in (x, *layer.parameters()) if tensor.requires_grad]
    try:
        wait_for(x.device)
        start = time.perf_counter()
        y = layer.computed(x, computation)
        if leaves and torch.is_grad_enabled():
            torch.autograd.grad(y, leaves, torch.ones_like(y), allow_unused=True)
        wait_for(x.device)
        return time.perf_counter() - start
    except RuntimeError as error:
        if not _is_exhaustion(error):
            raise
        return math.inf


_memory: Memory = dict[str, str]()
_measuring = threading.Lock()


def _seen(network: nn.Module, layers: Mapping[str, LowRankLocallyConnected2d], sample: Sample) -> dict[str, _Seen]:
    """What each layer meets first when the network runs on the sample."""
    seen: dict[str, _Seen] = {}

    def watch(name: str) -> Callable[..., None]:
        def hook(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            (x,) = (*args, *kwargs.values())
            kind, batch = x.device.type, x if x.dim() == 4 else x.unsqueeze(0)
            autocast = torch.autocast(kind, torch.get_autocast_dtype(kind), enabled=torch.is_autocast_enabled(kind))
            seen.setdefault(name, (batch.detach().requires_grad_(x.requires_grad), autocast))

        return hook

    modes = {module: module.training for module in network.modules()}
    handles = [each.register_forward_pre_hook(watch(name), with_kwargs=True) for name, each in layers.items()]
    try:
        network.eval()
        for layer in layers.values():
            layer.computation = _FRUGAL
        with random_state(device=device_of(sample)):
            call(network, sample)
    finally:
        for layer in layers.values():
            layer.computation = "auto"
        for handle in handles:
            handle.remove()
        for module, training in modes.items():
            module.training = training
    return seen


def _chosen(layer: LowRankLocallyConnected2d, seen: _Seen) -> str:
    """The faster computation: the remembered one, or else the one that a measurement finds."""
    x, autocast = seen
    with autocast, _measuring:
        situation = Situation.of(layer, x).text
        known = _memory.get(situation)
        if known is not None:
            return known
        found = _faster(layer, x)
        # Memory may be free again the next time: nothing to remember.
        return _FRUGAL if found is None else _memory.setdefault(situation, found)


def _faster(layer: LowRankLocallyConnected2d, x: Tensor) -> str | None:
    """The faster computation; None if there was no memory for either."""
    layer = copy.deepcopy(layer)  # hooks on its parameters do not hear of gradients without meaning
    times: dict[str, list[float]] = {computation: [] for computation in COMPUTATIONS}
    for _ in range(_ROUNDS):
        for computation in COMPUTATIONS:
            times[computation].append(step_seconds(layer, computation, x))
        if _is_clear(times, x.is_cuda):
            break
    # The first call allocates and, on CUDA, compiles: it counts only where there is no other.
    medians = {each: statistics.median(times[each][1:] or times[each]) for each in COMPUTATIONS}
    fastest = min(COMPUTATIONS, key=medians.__getitem__)
    return fastest if math.isfinite(medians[fastest]) else None


def _is_clear(times: Mapping[str, Sequence[float]], on_cuda: bool) -> bool:
    fast, slow = sorted(values[-1] for values in times.values())
    warm = min(map(len, times.values())) > 1
    if on_cuda and not warm:
        return False
    return slow > fast * _CLEAR[warm]


def _is_exhaustion(error: RuntimeError) -> bool:
    # The allocator of the CPU has no error of its own, but a name that stands in what it says.
    return isinstance(error, torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error)


def wait_for(device: torch.device) -> None:
    """Wait until a device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _gradients(x: Tensor, layer: nn.Module) -> str:
    if not torch.is_grad_enabled():
        return "none"
    of_parameters = any(parameter.requires_grad for parameter in layer.parameters())
    if x.requires_grad:
        return "both" if of_parameters else "input"
    return "parameters" if of_parameters else "none"


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "cpu":
        return f"{processor()} with {torch.get_num_threads()} threads"
    return device.type


@cache
def processor() -> str:
    """What the CPU of this machine calls itself: the machines that share a memory may differ."""
    # On Linux `platform.processor` is empty, or no more than the architecture.
    with suppress(OSError):
        for line in _CPUINFO.read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return " ".join(value.split())
    return platform.processor() or platform.machine()

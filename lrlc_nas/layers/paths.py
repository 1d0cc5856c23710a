"""Which of its two ways computes a low-rank layer: measured once for each situation, then remembered.

Which is faster depends on the device, the sizes, the rank and the batch, and no rule of thumb survives a change
of machine. So a layer whose path is ``auto`` times both on the first input that it meets in a situation: the
forward pass, and the backward pass where there will be one. The two differ in their last bits, so whoever must
repeat a training exactly keeps what was found (`remembering`), or names a path.
"""

from __future__ import annotations

import math
import platform
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn


__all__ = [
    "PATHS",
    "Memory",
    "Situation",
    "choose",
    "is_transformed",
    "may_measure",
    "only_plain_operations",
    "processor",
    "remembering",
    "tensors_of",
]

PATHS = ("bank", "kernel")

L = TypeVar("L", bound=nn.Module)

_FRUGAL = "kernel"
"""The path to take where neither could be measured for want of memory; it may do with less than a measurement."""

_CPUINFO = Path("/proc/cpuinfo")

_ROUNDS = 5
_CLEAR = (4.0, 1.5)
"""By how much a path has to lead to be chosen at once: in the first round, which warms up, and in later ones."""


class Memory(Protocol):
    """Where choices are kept: a dictionary from the text of a situation to a path, or something like it."""

    def get(self, situation: str, /) -> str | None:
        """The path that was chosen, or None."""

    def setdefault(self, situation: str, path: str, /) -> str:
        """Keep a path unless there is one, and return the one that is kept."""


@dataclass(frozen=True)
class Situation:
    """All that the speed of a layer depends on.

    Attributes:
        device: its name; on the CPU that of the processor, with the number of threads.
        dtype: in which the products are computed.
        layout: of the input, ``contiguous`` or ``channels_last``.
        batch: B, rounded up to a power of two: the last batch of an epoch is not another situation.
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
    def of(cls, layer: str, x: Tensor, parameters: Sequence[Tensor]) -> Situation:
        """The situation of a layer, described in words, that meets x, with shape (B, C, H, W)."""
        kind = x.device.type
        lowered = torch.is_autocast_enabled(kind) and x.dtype != torch.float64
        layout = "contiguous" if x.is_contiguous() else "channels_last"
        return cls(
            device=_device_name(x.device),
            dtype=str(torch.get_autocast_dtype(kind) if lowered else x.dtype).removeprefix("torch."),
            layout=layout,
            batch=1 << max(0, len(x) - 1).bit_length(),
            layer=layer,
            gradients=_gradients(x, parameters),
        )

    @property
    def text(self) -> str:
        """One line; equal for equal situations."""
        mode = f"gradients of {self.gradients}" if self.gradients != "none" else "inference"
        return f"{self.device}; {self.dtype}, {self.layout}; batch {self.batch}; {self.layer}; {mode}"


def choose(situation: Situation, compute: Callable[[L, str, Tensor], Tensor], layer: L, x: Tensor) -> str:
    """The faster path in a situation: the remembered one, or else the one that a measurement finds.

    Args:
        situation: where the layer stands.
        compute: a layer, a path and an input to the output.
        layer: where all tensors are that the output depends on.
        x: the input.
    """
    text = situation.text
    known = _memory.get(text)
    if known is not None:
        return known
    with _measuring:
        known = _memory.get(text)
        if known is not None:
            return known
        found = _faster(compute, layer, x)
        # Memory may be free again the next time: nothing to remember.
        return _FRUGAL if found is None else _memory.setdefault(text, found)


@contextmanager
def remembering(memory: Memory) -> Iterator[None]:
    """Keep the choices of this process in another memory until the block ends."""
    global _memory
    before, _memory = _memory, memory
    try:
        yield
    finally:
        _memory = before


def may_measure(x: Tensor) -> bool:
    """Whether both paths can be run now, for the sake of their times.

    Not while operations are watched (counted, or faked): the watcher would see the measurement.
    """
    if x.is_meta or only_plain_operations() or torch._C._len_torch_dispatch_stack() > 0:
        return False
    return not (x.is_cuda and torch.cuda.is_current_stream_capturing())


def only_plain_operations() -> bool:
    """Whether someone reads the program (a compiler, an exporter, a transform) rather than run it.

    So do derivatives in forward mode, which autograd functions of our own do not have.
    """
    if torch.compiler.is_compiling() or torch._C._get_tracing_state() is not None:
        return True
    return torch.autograd.forward_ad._current_level >= 0 or is_transformed()


def is_transformed() -> bool:
    """Whether a function transform is under way (`torch.vmap`, or another of `torch.func`) outside a compiler."""
    return not torch.compiler.is_compiling() and torch._C._functorch.peek_interpreter_stack() is not None


def tensors_of(layer: nn.Module) -> list[Tensor]:
    """What a layer computes with: its parameters, or the plain tensors that replicas of it have instead.

    `torch.nn.DataParallel` makes such replicas: their parameters are results of a broadcast, and not registered.
    """
    values = (
        each for module in layer.modules() for each in (*module._parameters.values(), *vars(module).values())
    )
    return [each for each in values if isinstance(each, Tensor)]


_memory: Memory = dict[str, str]()
_measuring = threading.Lock()


def _faster(compute: Callable[[L, str, Tensor], Tensor], layer: L, x: Tensor) -> str | None:
    """The faster path; None if there was no memory for either."""
    layer, x = _unhooked(layer), _alias(x)
    tensors = (x, *tensors_of(layer))
    leaves = [tensor for tensor in tensors if tensor.requires_grad and torch.is_grad_enabled()]
    times: dict[str, list[float]] = {path: [] for path in PATHS}
    with _unwatched():
        for _ in range(_ROUNDS):
            for path in PATHS:
                times[path].append(_seconds(partial(compute, layer, path, x), leaves, x.device))
            if _is_clear(times, x.is_cuda):
                break
    # The first call of a path allocates and, on CUDA, compiles: it counts only where there is no other.
    medians = {path: statistics.median(times[path][1:] or times[path]) for path in PATHS}
    fastest = min(PATHS, key=medians.__getitem__)
    return fastest if math.isfinite(medians[fastest]) else None


def _unwatched() -> AbstractContextManager[Any]:
    """Keep what a measurement saves for its backward pass from the hooks of the caller.

    Activation checkpointing is such a hook: it would run the layer again, which would wait here for itself, and
    count the tensors that a measurement saves among those of the layer.
    """
    if not torch._C._autograd._saved_tensors_hooks_is_enabled():  # type: ignore[attr-defined]
        return nullcontext()  # where hooks are forbidden there are none
    return torch.autograd.graph.saved_tensors_hooks(_same, _same)


def _same(tensor: Tensor) -> Tensor:
    return tensor


def _unhooked(layer: L) -> L:
    """A layer with the values of this one: hooks on its parameters do not hear of gradients without meaning."""
    twin = object.__new__(type(layer))
    vars(twin).update({name: _alias(v) if isinstance(v, Tensor) else v for name, v in vars(layer).items()})
    aliases: dict[str, Any] = {name: p if p is None else _alias(p) for name, p in layer._parameters.items()}
    twin._parameters = aliases
    twin._modules = {name: m if m is None else _unhooked(m) for name, m in layer._modules.items()}
    return twin


def _alias(x: Tensor) -> Tensor:
    return x.detach().requires_grad_(x.requires_grad)


def _is_clear(times: Mapping[str, Sequence[float]], on_cuda: bool) -> bool:
    fast, slow = sorted(values[-1] for values in times.values())
    warm = len(times[PATHS[0]]) > 1
    if on_cuda and not warm:
        return False
    return slow > fast * _CLEAR[warm]


def _seconds(compute: Callable[[], Tensor], leaves: Sequence[Tensor], device: torch.device) -> float:
    try:
        _wait(device)
        start = time.perf_counter()
        y = compute()
        if leaves:
            torch.autograd.grad(y, leaves, torch.ones_like(y), allow_unused=True)
        _wait(device)
        return time.perf_counter() - start
    except RuntimeError as error:
        if not _is_exhaustion(error):
            raise
        return math.inf


def _is_exhaustion(error: RuntimeError) -> bool:
    # The allocator of the CPU has no error of its own, but a name that stands in what it says.
    return isinstance(error, torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _gradients(x: Tensor, parameters: Sequence[Tensor]) -> str:
    if not torch.is_grad_enabled():
        return "none"
    of_parameters = any(parameter.requires_grad for parameter in parameters)
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

"""Peak memory of a call, above what was held when it began."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import accumulate
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from .racing import synchronize

__all__ = ["available_bytes", "largest_batch", "peak_bytes"]


def peak_bytes(call: Callable[[], object], device: torch.device) -> int:
    """Measure the peak memory of a call, in bytes above those held at its start.

    On CUDA this is what the allocator counts. On the CPU it is the largest running sum of what the allocator of torch
    hands out, and takes back of it, during the call, which must give back nothing that was held before; scratch memory
    that a library takes elsewhere is not seen.
    """
    return _peak_on_cuda(call, device) if device.type == "cuda" else _peak_on_cpu(call)


def available_bytes(device: torch.device) -> int:
    """The memory that can be had on a device, within the limit of this process's control group.

    On the CPU that includes what the kernel keeps of files and gives away when it is asked.
    """
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return min(_obtainable_bytes(Path("/proc/meminfo")), _allowed_bytes(Path("/sys/fs/cgroup")))


def largest_batch(batch: int, needed: Callable[[int], int], available: int) -> int:
    """The largest power of two, or the batch itself, that needs below half of the available bytes; 0 if none does."""
    if 2 * needed(batch) < available:
        return batch
    power = 1 << (batch.bit_length() - 1)
    while power and 2 * needed(power) >= available:
        power //= 2
    return power


def _peak_on_cuda(call: Callable[[], object], device: torch.device) -> int:
    synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    held = torch.cuda.memory_allocated(device)
    call()
    synchronize(device)
    return torch.cuda.max_memory_allocated(device) - held


def _peak_on_cpu(call: Callable[[], object]) -> int:
    profiler: Any = profile(activities=[ProfilerActivity.CPU], profile_memory=True)
    with _no_words():
        profiler.start()
    try:
        call()
    finally:
        with _no_words():
            profiler.stop()
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    held = accumulate(event.nbytes() for event in sorted(events, key=lambda event: event.start_ns()))
    peak: int = max([0, *held])
    return peak


@contextmanager
def _no_words() -> Iterator[None]:
    """Keep what the profiler's library prints on starting and stopping, at any log level, off the terminal."""
    sys.stderr.flush()
    saved = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


def _obtainable_bytes(meminfo: Path) -> int:
    """What Linux says is available; elsewhere the pages that are free, or all that there are."""
    # Not psutil: on a GPU machine the benchmark has torch alone.
    kilobytes = _table(meminfo).get("MemAvailable:")
    if kilobytes is not None:
        return 1024 * kilobytes
    pages = "SC_AVPHYS_PAGES" if "SC_AVPHYS_PAGES" in os.sysconf_names else "SC_PHYS_PAGES"
    return os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE")


def _allowed_bytes(folder: Path) -> int:
    """What the control group leaves; as good as endless where there is none or it sets no limit."""
    with suppress(OSError, ValueError):
        limit, used = (int((folder / name).read_text()) for name in ("memory.max", "memory.current"))
        # Files that nobody has touched lately are given away when memory is asked for.
        return max(0, limit - used + _table(folder / "memory.stat").get("inactive_file", 0))
    return sys.maxsize


def _table(file: Path) -> dict[str, int]:
    """The first two words of each line; nothing where there is no such file."""
    with suppress(OSError, ValueError):
        lines = (line.split() for line in file.read_text().splitlines())
        return {words[0]: int(words[1]) for words in lines if len(words) > 1}
    return {}

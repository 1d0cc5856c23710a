"""The benchmark of the layers: from the words of a command line to a table and a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import torch

from ..errors import InputError
from ..layers.tuning import processor
from .contenders import LAYOUTS
from .floors import measure_rates
from .measuring import Bench, compare_local, compare_low_rank
from .racing import Effort
from .records import Benchmark, Comparison, Machine
from .sizes import OTHERS, REFERENCE, Size
from .tables import comparison_table, machine_lines, outcome_table
from .targets import outcomes

__all__ = ["LAYOUT_WORDS", "Request", "run_layers"]

LAYOUT_WORDS = (*LAYOUTS, "both")
"""What ``--layout`` takes."""

_QUICK = Effort(rounds=3, patience=20)
_LOCAL = Effort(warmup=1, rounds=3, patience=20, at_least=2)  # the peer is slow, and far from its limit


@dataclass(frozen=True)
class Request:
    """What to measure, and where.

    Each size has its layouts, in the first of which LC is compared with its peer, at ``local_batch`` at most if that is
    given. The ranks are K of the LRLC layers, whose comparison takes the effort. Records go to ``json``, if anywhere.
    """

    device: torch.device
    cases: tuple[tuple[Size, tuple[str, ...]], ...]
    ranks: tuple[int, ...]
    effort: Effort
    local_batch: int | None = None
    json: Path | None = None

    @classmethod
    def of(
        cls,
        *,
        device: str | None = None,
        json: Path | None = None,
        quick: bool = False,
        sizes: Sequence[str] = (),
        layout: str | None = None,
    ) -> Request:
        """Read the options of a command line; what is None or empty leaves the choice to us.

        That is CUDA where there is a GPU, the reference size and some others, and both layouts at the reference size.
        ``quick`` takes two ranks, few rounds, a small batch for LC against its peer, and one size in one layout.

        Raises:
            InputError: if an option is wrong, this machine lacks the device, or the file cannot be written.
        """
        if layout is not None and layout not in LAYOUT_WORDS:
            raise InputError(f"--layout must be one of {', '.join(LAYOUT_WORDS)}; got {layout!r}")
        wanted = tuple(Size.parse(text) for text in sizes) or (REFERENCE, *(() if quick else OTHERS))
        if json is not None:
            _require_writable(json)
        return cls(
            device=_device(device),
            cases=tuple((size, _layouts(size, layout, quick)) for size in wanted),
            ranks=(2, 8) if quick else (1, 2, 4, 8, 16),
            effort=_QUICK if quick else Effort(),
            local_batch=8 if quick else None,
            json=json,
        )


def run_layers(request: Request, say: Callable[[str], object]) -> Benchmark:
    """Measure, ``say`` each comparison as soon as it is made, then the targets, and write the file.

    Raises:
        InputError: if the file cannot be written.
    """
    dtype = torch.bfloat16 if request.device.type == "cuda" else torch.float32
    bench = Bench(request.device, dtype, measure_rates(request.device, dtype), request.effort)
    machine = _machine(bench)
    say(machine_lines(machine) + "\n")
    made = []
    for comparison in _comparisons(request, bench):
        made.append(comparison)
        say(comparison_table(comparison) + "\n")
    found = Benchmark(machine, tuple(made), outcomes(made, request.device.type))
    say(outcome_table(found.outcomes))
    if request.json is not None:
        _write(request.json, found.to_json())
    return found


def _comparisons(request: Request, bench: Bench) -> Iterator[Comparison]:
    for size, layouts in request.cases:
        for layout in layouts:
            yield compare_low_rank(size, layout, request.ranks, bench)
        smaller = replace(size, batch=min(size.batch, request.local_batch or size.batch))
        with_peer = compare_local(smaller, layouts[0], replace(bench, effort=_LOCAL))
        if with_peer is not None:
            yield with_peer


def _layouts(size: Size, layout: str | None, quick: bool) -> tuple[str, ...]:
    if layout is None:
        layout = "both" if size == REFERENCE and not quick else "nchw"
    return tuple(LAYOUTS) if layout == "both" else (layout,)


def _device(wanted: str | None) -> torch.device:
    if wanted is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = None
    with suppress(RuntimeError):
        device = torch.device(wanted)
    if device is None or device.type not in ("cpu", "cuda"):
        raise InputError(f"--device must be cpu, cuda or cuda:N; got {wanted!r}")
    there = torch.cuda.device_count()
    if device.type == "cuda" and (device.index or 0) >= there:
        raise InputError(f"--device must name a device of this machine, which has {there} GPUs; got {wanted!r}")
    return device


def _require_writable(path: Path) -> None:
    """Raise `InputError` unless a file can be written there, before anything is measured."""
    place = path if path.exists() else path.parent
    if path.is_dir() or not path.parent.is_dir() or not os.access(place, os.W_OK):
        raise InputError(f"--json must name a file that can be written; got {str(path)!r}")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write the records to {path}: {error.strerror}") from None


def _machine(bench: Bench) -> Machine:
    on_gpu = bench.device.type == "cuda"
    return Machine(
        device=str(bench.device),
        name=torch.cuda.get_device_name(bench.device) if on_gpu else processor(),
        dtype=str(bench.dtype).removeprefix("torch."),
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        rates=bench.rates,
    )

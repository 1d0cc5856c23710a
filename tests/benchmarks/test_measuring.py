"""What a comparison holds, and that every contender at a size computes a layer of that size."""

from dataclasses import replace

import pytest
import torch
from bench_samples import TINY

from lrlc_nas.benchmarks import Request, Size
from lrlc_nas.benchmarks.contenders import LAYOUTS, local, low_rank
from lrlc_nas.benchmarks.floors import Rates, floor_seconds, work
from lrlc_nas.benchmarks.measuring import Bench, compare_local, compare_low_rank
from lrlc_nas.benchmarks.racing import Effort
from lrlc_nas.layers import LowRankLocallyConnected2d
from lrlc_nas.layers.low_rank import COMPUTATIONS

CPU = torch.device("cpu")
EFFORT = Effort(warmup=1, rounds=2, turn=0)


def bench(rates: Rates = Rates(2e9, 1e9)) -> Bench:  # noqa: B008 - it is frozen
    return Bench(CPU, torch.float32, rates, EFFORT)


def test_every_contender_takes_part() -> None:
    found = compare_low_rank(TINY, "nchw", (1, 2), bench())
    each = ["lrlc", *COMPUTATIONS, "einsum"]
    expected = [("conv", 0), ("lc", 0), *((kind, rank) for rank in (1, 2) for kind in each)]
    assert [(entry.kind, entry.rank) for entry in found.entries] == expected
    for entry in found.entries:
        assert len(entry.forward.seconds) == len(entry.training.seconds) == EFFORT.rounds
        assert entry.peak_bytes >= 4 * 2 * 4 * 3 * 4  # the output at least


def test_a_floor_is_that_of_the_way_or_of_the_better_one() -> None:
    """Where only computing counts, the kernel path computes less than K convolutions."""
    slow = bench(Rates(operations=1.0, bytes=1e15))
    found = compare_low_rank(TINY, "nchw", (2,), slow)
    floors = {way: floor_seconds(work(way, TINY, 2, 4)[1], slow.rates) for way in ("conv", "bank", "kernel", "lc")}
    assert floors["kernel"] < floors["bank"]
    for kind, way in {"lrlc": "kernel", "bank": "bank", "kernel": "kernel", "einsum": "bank"}.items():
        entry = found.entry(kind, 2)
        assert entry is not None
        assert entry.training.floor == floors[way]
        assert entry.training.over_floor == entry.training.spread.median / floors[way]
    for kind in ("conv", "lc"):
        entry = found.entry(kind)
        assert entry is not None
        assert entry.training.floor == floors[kind]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [TINY, Size(4, 4, input_size=(4, 4), batch=2, padding=1, groups=4)], ids=str)
def test_contenders_have_the_size(size: Size, layout: str) -> None:
    x = torch.randn(size.batch, size.in_channels, *size.input_size).contiguous(memory_format=LAYOUTS[layout])
    shape = (size.batch, size.out_channels, *size.geometry.output_size)
    for contender in [*low_rank(size, (2,), CPU, layout), *local(size, CPU, layout)]:
        assert contender.module(x).shape == shape, contender.kind


def test_convolutions_lie_in_the_layout() -> None:
    size = Size(2, 4, input_size=(5, 5), batch=2)
    for contender in low_rank(size, (2,), CPU, "channels_last"):
        for part in contender.module.modules():
            if isinstance(part, torch.nn.Conv2d):
                assert part.weight.is_contiguous(memory_format=torch.channels_last)


def test_paths_are_those_of_the_names() -> None:
    paths = {
        contender.kind: contender.module.computation
        for contender in low_rank(TINY, (2,), CPU, "nchw")
        if isinstance(contender.module, LowRankLocallyConnected2d)
    }
    assert paths == {"lrlc": "auto"} | {path: path for path in COMPUTATIONS}


def test_the_slow_peer_is_met_at_a_batch_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    for needed, batch in {1: 2, 13_000: 1}.items():
        monkeypatch.setattr("lrlc_nas.benchmarks.measuring.unfolded_bytes", lambda size, _, n=needed: size.batch * n)
        monkeypatch.setattr("lrlc_nas.benchmarks.measuring.available_bytes", lambda _: 50_000)
        found = compare_local(TINY, "nchw", bench())
        assert found is not None
        assert found.size == replace(TINY, batch=batch)
        assert [entry.kind for entry in found.entries] == ["lc", "unfold"]


def test_nothing_is_compared_where_nothing_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lrlc_nas.benchmarks.measuring.available_bytes", lambda _: 1)
    assert compare_local(TINY, "nchw", bench()) is None


def test_the_callers_random_numbers_are_left_alone() -> None:
    before = torch.random.get_rng_state()
    compare_low_rank(TINY, "nchw", (1,), bench())
    assert torch.equal(torch.random.get_rng_state(), before)


def test_what_is_measured_by_default() -> None:
    full, quick = Request.of(device="cpu"), Request.of(device="cpu", quick=True)
    assert [layouts for _, layouts in full.cases] == [("nchw", "channels_last"), *[("nchw",)] * 4]
    assert (len(full.cases), full.ranks) == (5, (1, 2, 4, 8, 16))
    assert (quick.cases, quick.ranks) == (((Size(), ("nchw",)),), (2, 8))
    assert (full.local_batch, quick.local_batch) == (None, 8)
    both = Request.of(device="cpu", quick=True, sizes=["C=4,F=4", "B=2"], layout="both")
    assert [layouts for _, layouts in both.cases] == [("nchw", "channels_last")] * 2

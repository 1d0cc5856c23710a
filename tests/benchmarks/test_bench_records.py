import json

from bench_samples import MACHINE, comparison, entry

from lrlc_nas.benchmarks import Benchmark
from lrlc_nas.benchmarks.records import Outcome
from lrlc_nas.benchmarks.tables import comparison_table, machine_lines, outcome_table
from lrlc_nas.benchmarks.targets import outcomes

COMPARED = comparison(
    entry("conv", 0, 0.001, 0.002, 0.003, peak=3 * 2**20),
    entry("lrlc", 8, 0.004, 0.005, 0.006, forward=(0.25, 0.5, 0.75), peak=2**20),
    entry("einsum", 8, 0.008, 0.01, 0.012),
)
FOUND = Benchmark(MACHINE, (COMPARED,), outcomes([COMPARED], "cpu"))


def test_json_holds_every_record() -> None:
    read = json.loads(FOUND.to_json())
    assert list(read) == ["machine", "comparisons", "outcomes"]
    assert read["machine"]["rates"] == {"operations": 2e9, "bytes": 1e9}
    assert read["comparisons"][0]["entries"][1]["forward"]["seconds"] == [0.25, 0.5, 0.75]
    assert read["outcomes"][1]["ratio"] == {"median": 2.5, "low": 2.25, "high": 3.25}


def test_json_says_whether_targets_are_met() -> None:
    told = json.loads(FOUND.to_json())["outcomes"]
    assert [each["met"] for each in told] == [outcome.met for outcome in FOUND.outcomes] == [False, True]


def test_an_entry_is_found_by_kind_and_rank() -> None:
    assert COMPARED.entry("lrlc", 8) == COMPARED.entries[1]
    assert COMPARED.entry("lrlc", 4) is None
    assert COMPARED.ranks == (8,)


def test_the_table_of_a_comparison() -> None:
    title, headings, *rows = comparison_table(COMPARED).splitlines()
    assert title == "2->4 3x3, input 5x6, batch 2, nchw, 3 rounds"
    assert headings.split() == (
        ["forward", "ms", "[quartiles]", "/floor", "fwd+bwd", "ms", "[quartiles]", "/floor", "/first", "peak", "MiB"]
    )
    assert [" ".join(row.split()) for row in rows] == [
        "conv 2 [1.5, 2.5] 2.0 2 [1.5, 2.5] 2.0 1.00 3.0",
        "lrlc, K=8 500 [375, 625] 500.0 5 [4.5, 5.5] 5.0 2.50 1.0",
        "K convs + einsum, K=8 10 [9, 11] 10.0 10 [9, 11] 10.0 5.00 0.0",
    ]
    assert len({len(row) for row in rows}) == 1  # the last column is on the right


def test_the_table_of_the_targets() -> None:
    _, first, second, *missing = outcome_table(FOUND.outcomes).splitlines()
    words = "K=8: K convolutions + einsum over LRLC >= 3 2 [2, 2] NOT MET"
    assert " ".join(first.split()) == f"{words} 2->4 3x3, input 5x6, batch 2, nchw"
    assert " ".join(second.split()).startswith("LRLC, K<=8, over convolution <= 5 2.5 [2.25, 3.25] met K=8 ")
    assert "not measured: unfold x weight, sum over LC" in missing
    assert len(missing) == 6


def test_an_outcome_at_one_size_only() -> None:
    assert all(isinstance(outcome, Outcome) and outcome.size == COMPARED.size for outcome in FOUND.outcomes)


def test_where_it_was_measured() -> None:
    assert machine_lines(MACHINE).splitlines() == [
        "a processor (cpu), float32, torch 2.0, 1 threads, 2026-01-01T00:00:00+00:00",
        "reached here: 2.0 GFLOP/s in a matrix product, 1.0 GB/s in a copy",
    ]

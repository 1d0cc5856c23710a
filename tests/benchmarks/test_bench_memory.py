import os
import sys
from pathlib import Path

import pytest
import torch

from lrlc_nas.benchmarks import memory
from lrlc_nas.benchmarks.memory import available_bytes, largest_batch, peak_bytes

CPU = torch.device("cpu")
MIB = 2**18  # float32 numbers


def test_peak_of_a_known_allocation() -> None:
    assert peak_bytes(lambda: torch.empty(3 * MIB), CPU) == 3 * 2**20


def test_what_is_given_back_makes_room() -> None:
    def call() -> None:
        first, second = torch.empty(4 * MIB), torch.empty(2 * MIB)
        del first
        third = torch.empty(3 * MIB)
        del second, third

    assert peak_bytes(call, CPU) == 6 * 2**20


def test_only_what_comes_on_top_counts() -> None:
    held = torch.empty(8 * MIB)
    assert peak_bytes(lambda: held + held, CPU) == 8 * 2**20
    assert peak_bytes(lambda: held.add_(held), CPU) == 0


def test_saved_activations_and_gradients_count() -> None:
    x = torch.ones(MIB, requires_grad=True)
    gradient = torch.ones(MIB)
    peak = peak_bytes(lambda: torch.autograd.grad(x.exp().sin(), x, gradient), CPU)
    # exp keeps its output; sin its input, the same; so exp and sin, then cos and the two gradients.
    assert 3 * 2**20 <= peak <= 5 * 2**20


def test_the_profiler_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    peak_bytes(lambda: os.write(2, b"the call's own words\n"), CPU)
    print("after", file=sys.stderr)
    assert capfd.readouterr().err == "the call's own words\nafter\n"


def test_the_profiler_ends_with_the_call() -> None:
    def broken() -> None:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        peak_bytes(broken, CPU)
    assert peak_bytes(lambda: torch.empty(MIB), CPU) == 2**20


@pytest.mark.parametrize(
    ("batch", "available", "largest"),
    [(128, 2561, 128), (128, 2560, 64), (100, 2001, 100), (100, 2000, 64), (100, 41, 2), (4, 21, 1), (4, 20, 0)],
)
def test_the_largest_batch_needs_less_than_half(batch: int, available: int, largest: int) -> None:
    assert largest_batch(batch, lambda batch: 10 * batch, available) == largest


def test_the_control_group_limits_what_is_available(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert memory._allowed_bytes(tmp_path) == sys.maxsize
    (tmp_path / "memory.current").write_text("30\n")
    for limit, allowed in {"100": 70, "20": 0, "max": sys.maxsize}.items():
        (tmp_path / "memory.max").write_text(f"{limit}\n")
        assert memory._allowed_bytes(tmp_path) == allowed
    monkeypatch.setattr(memory, "_allowed_bytes", lambda _: 7)
    assert available_bytes(CPU) == 7


def test_what_files_take_of_a_control_group_is_available(tmp_path: Path) -> None:
    for name, text in {"max": "100\n", "current": "90\n", "stat": "anon 10\ninactive_file 60\n"}.items():
        (tmp_path / f"memory.{name}").write_text(text)
    assert memory._allowed_bytes(tmp_path) == 70
    (tmp_path / "memory.stat").write_text("anon 10\n")
    assert memory._allowed_bytes(tmp_path) == 10


def test_what_files_take_of_a_machine_is_available(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:  900 kB\nMemFree:  10 kB\nMemAvailable:   700 kB\nHugePages_Total:   0\n")
    assert memory._obtainable_bytes(meminfo) == 700 * 1024
    monkeypatch.setattr(os, "sysconf", {"SC_AVPHYS_PAGES": 5, "SC_PAGE_SIZE": 4096}.__getitem__)
    meminfo.write_text("MemTotal:  900 kB\n")
    assert memory._obtainable_bytes(meminfo) == memory._obtainable_bytes(tmp_path / "none") == 5 * 4096


def test_available_memory_is_within_the_machine() -> None:
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0 < available_bytes(CPU) <= machine

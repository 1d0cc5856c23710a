import torch

from lrlc_nas.runs import stream_seed
from lrlc_nas.runs.streams import global_stream, stream

CPU = torch.device("cpu")


def test_seeds_are_stable():
    # Resumed runs and shipped results depend on these numbers.
    assert stream_seed(0, "order", 0) == 1014162656242027106
    assert stream_seed(1, "init") == 5114219324223669180


def test_seeds_have_63_bits_and_no_collisions():
    seeds = [stream_seed(s, name, e) for s in range(20) for name in ("order", "dropout") for e in range(50)]
    assert len(set(seeds)) == len(seeds)
    assert min(seeds) >= 0
    assert 2**62 < max(seeds) < 2**63


def test_names_are_not_run_together():
    assert stream_seed(0, "a", "b") != stream_seed(0, "ab")
    assert stream_seed(0, 1) != stream_seed(0, "1")
    assert stream_seed(1, 2) != stream_seed(12)


def test_stream_starts_anew_each_time():
    first = torch.rand(4, generator=stream(3, "order", 1))
    assert torch.equal(first, torch.rand(4, generator=stream(3, "order", 1)))
    assert not torch.equal(first, torch.rand(4, generator=stream(3, "order", 2)))


def test_global_stream_ignores_and_restores_the_callers_state():
    drawn = []
    for state in (1, 2):
        torch.manual_seed(state)
        expected = torch.rand(3)
        torch.manual_seed(state)
        with global_stream(CPU, 0, "dropout", 0):
            drawn.append(torch.rand(3))
        assert torch.equal(torch.rand(3), expected)
    assert torch.equal(*drawn)

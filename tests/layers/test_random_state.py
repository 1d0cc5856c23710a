"""Global random numbers, taken aside: inside they depend on the seed alone, and outside nothing has happened."""

import threading

import torch

from lrlc_nas.layers import random_state


def draw(seed: int) -> torch.Tensor:
    with random_state(seed):
        return torch.stack([torch.rand(3) for _ in range(50)])


def test_the_numbers_are_those_of_the_seed_and_outside_they_go_on() -> None:
    torch.manual_seed(1)
    first = torch.rand(2)
    expected = torch.rand(2)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(2), first)
    assert torch.equal(draw(5), draw(5))
    assert not torch.equal(draw(5), draw(6))
    with random_state():
        torch.rand(100)
    assert torch.equal(torch.rand(2), expected)


def test_blocks_hold_others() -> None:
    with random_state(3):
        before = torch.rand(2)
        draw(4)
        after = torch.rand(2)
    with random_state(3):
        assert torch.equal(torch.rand(4), torch.cat([before, after]))


def test_threads_do_not_draw_from_each_other() -> None:
    alone = [draw(seed) for seed in range(6)]
    together = [torch.empty(0)] * 6
    barrier = threading.Barrier(6)

    def run(seed: int) -> None:
        for _ in range(20):
            barrier.wait()
            together[seed] = draw(seed)
            if not torch.equal(together[seed], alone[seed]):
                barrier.abort()

    threads = [threading.Thread(target=run, args=(seed,), daemon=True) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not barrier.broken
    assert all(map(torch.equal, together, alone))

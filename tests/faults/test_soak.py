"""A supervisor whose workers are killed again and again: ``pytest -m slow tests/faults/test_soak.py``."""

import pytest

from lrlc_nas.benchmarks.faults.soak import Soak, soak


@pytest.mark.slow
def test_a_supervisor_stays_as_it_is_while_its_workers_die(tmp_path):
    done = soak(tmp_path, trials=24, epochs=3, every=3.0, rest=0.2)
    assert done.broken == ()
    assert done.survived, done
    assert done.kills >= 3


@pytest.mark.parametrize(
    ("growth", "descriptors", "survived"),
    [(0.04, (10, 12), True), (0.05, (10, 12), False), (-0.5, (10, 10), True), (0.0, (10, 13), False)],
)
def test_what_grows_is_seen(growth, descriptors, survived):
    assert Soak(20, 20, 5, growth, descriptors, ()).survived is survived


@pytest.mark.parametrize(("ended", "broken"), [(19, ()), (20, ("lost",))])
def test_what_is_lost_is_seen(ended, broken):
    assert not Soak(20, ended, 5, 0.0, (10, 10), broken).survived

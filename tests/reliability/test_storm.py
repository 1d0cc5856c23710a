"""Workers that are killed and frozen at random, until enough has happened."""

import pytest

from tests.reliability.storm import storm


@pytest.mark.parametrize(("trials", "kills", "zombies"), [(4, 6, 2), pytest.param(40, 10, 3, marks=pytest.mark.slow)])
def test_a_study_survives_a_storm(trials, kills, zombies, tmp_path):
    done = storm(tmp_path, trials=trials, epochs=10, kills=kills, zombies=zombies)
    assert (done.ended, done.recorded) == (trials, 10 * trials)
    assert done.broken == ()
    assert done.survived
    assert (done.kills, done.zombies) == (kills, zombies), "the study ended before the storm"

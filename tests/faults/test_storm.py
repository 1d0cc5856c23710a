"""Workers that are killed and frozen at random: ``pytest -m slow tests/faults/test_storm.py``.

How many kills and freezes strike before a study ends depends on the machine, so that these are among the slow tests.
"""

import pytest

from lrlc_nas.benchmarks.faults.storm import storm


pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("trials", "kills", "zombies"), [(12, 3, 1), (40, 10, 3)])
def test_a_study_survives_a_storm(trials, kills, zombies, tmp_path):
    done = storm(tmp_path, trials=trials, epochs=10, kills=kills, zombies=zombies)
    assert (done.ended, done.recorded) == (trials, 10 * trials)
    assert done.broken == ()
    assert done.survived
    assert done.kills >= kills
    assert done.zombies >= zombies

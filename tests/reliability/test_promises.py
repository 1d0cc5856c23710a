"""Each promise that is broken is seen: what the fault tests call whole is whole."""

import shutil
import sqlite3
from contextlib import closing

import pytest

from lrlc_nas.engine import catch_up, open_study
from lrlc_nas.engine.files import run_checkpoints
from tests.reliability.places import store_in
from tests.reliability.promises import broken, recorded, story
from tests.reliability.toy import NAME


@pytest.fixture
def folder(undisturbed, tmp_path):
    """A copy of the study that nothing disturbed."""
    return shutil.copytree(undisturbed[0], tmp_path / "study")


def change(folder, sql):
    with closing(sqlite3.connect(folder / "studies.db")) as connection, connection:
        assert connection.execute(sql).rowcount > 0


def checkpoints(folder):
    return sorted(folder.rglob("*.pt"))


def seen(folder):
    return "; ".join(broken(store_in(folder)))


def test_an_undisturbed_study_keeps_them_all(folder, reference):
    assert seen(folder) == ""
    assert story(store_in(folder)) == reference.story
    assert recorded(store_in(folder)) == reference.hits["epoch.stored"]


def test_no_study_has_no_epoch(tmp_path):
    assert recorded(store_in(tmp_path)) == 0


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("UPDATE nas_study SET trials = 5", "5 runs are the budget, there are those at [0, 1, 2, 3]"),
        ("UPDATE nas_run SET state = 'running' WHERE number = 1", "run 1 is running"),
        ("UPDATE nas_run SET state = 'waiting' WHERE number = 1", "run 1 is waiting"),
        ("UPDATE nas_run SET state = 'waiting', plan = NULL WHERE number = 2", "run 2 is waiting"),
        ("UPDATE nas_run SET state = 'failed', reason = 'why' WHERE number = 1", "run 1 is failed why"),
        (
            "UPDATE nas_run SET repeat = 1, plan = (SELECT plan FROM nas_run WHERE number = 1), "
            "plan_digest = (SELECT plan_digest FROM nas_run WHERE number = 1) WHERE number = 2",
            "a plan was trained twice",
        ),
        ("DELETE FROM nas_epoch WHERE run_id = 1 AND epoch = 1", "run 0 counts 3 epochs and has [0, 2]"),
        ("UPDATE nas_epoch SET attempt = 3 WHERE run_id = 1 AND epoch = 1", "wrote epoch 2 after attempt 3"),
        ("UPDATE nas_run SET epoch = 2 WHERE number = 0", "run 0 is complete after 2 of 3 epochs"),
        ("UPDATE nas_run SET value = 0.9 WHERE number = 0", "run 0 has value 0.9, its last epoch "),
        ("UPDATE trials SET state = 'RUNNING' WHERE number = 0", "its trial RUNNING"),
        ("UPDATE trial_values SET value = 0.9 WHERE trial_id = 1", "its trial COMPLETE with 0.9"),
        ("DELETE FROM trial_intermediate_values WHERE trial_id = 1 AND step = 1", "run 0 has {0: "),
        ("DELETE FROM trial_params WHERE trial_id = 2", "its trial {}"),
        ("UPDATE nas_run SET trial_id = 99 WHERE number = 2", "run 2 has no trial; trial 3 belongs to no run"),
    ],
)
def test_rows_that_are_wrong(folder, sql, words):
    change(folder, sql)
    assert words in seen(folder)


def test_a_checkpoint_that_does_not_verify(folder):
    path = checkpoints(folder)[0]
    path.write_bytes(path.read_bytes()[:-1])
    assert seen(folder) == "run 0: its last checkpoint does not verify"


def test_a_checkpoint_too_many_or_too_few(folder):
    path = checkpoints(folder)[0]
    shutil.copy(path, path.with_name(path.name.replace("epoch-00002", "epoch-00001")))
    assert "run 0 is complete and keeps ['epoch-00001', 'epoch-00002']" in seen(folder)
    for each in path.parent.iterdir():
        each.unlink()
    assert "run 0 is complete and keeps []" in seen(folder)


def test_a_checkpoint_of_a_run_that_was_given_up_goes_with_the_next_resume(folder):
    """Its worker was killed between the end of the run and the removal."""
    study = open_study(store_in(folder), NAME)
    (pruned,) = (run for run in study.store.runs(study.record) if run.state == "pruned")
    run_checkpoints(study.store, study.record, pruned).save(0, {})
    assert seen(folder) == f"run {pruned.number} is pruned and keeps ['epoch-00000']"
    catch_up(study)
    assert seen(folder) == ""


def test_what_was_left_behind(folder):
    (folder / "studies.runs" / "x.tmp").touch()
    assert seen(folder) == "left behind: studies.runs/x.tmp"


def test_a_database_that_is_damaged(folder):
    with closing(sqlite3.connect(folder / "studies.db")) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("DELETE FROM sqlite_master WHERE name = 'nas_run_claim'")
    assert "the database: " in seen(folder)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE nas_epoch SET value = value * (1 + 1e-15) WHERE run_id = 2 AND epoch = 0",
        "UPDATE nas_run SET seed = 9 WHERE number = 2",
    ],
)
def test_a_story_tells_the_last_bit(folder, reference, sql):
    change(folder, sql)
    assert story(store_in(folder)) != reference.story

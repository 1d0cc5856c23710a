from dataclasses import replace

import pytest
import torch
import toy_study
from slow_cases import mostly_slow

from lrlc_nas.engine import catch_up, open_study, start_study, study_folder
from lrlc_nas.engine.files import adopt_checkpoints, run_checkpoints
from lrlc_nas.engine.folders import files_folder
from lrlc_nas.errors import FencedError
from lrlc_nas.store import Store, claim


@pytest.fixture
def study(study):
    return study.record


@pytest.fixture
def run(store, study):
    return claim(store, study, "me", 3600.0).run


def saved(checkpoints, epoch):
    checkpoints.save(epoch, {"network": {"weight": torch.tensor([float(epoch)])}})
    return checkpoints


def newest(checkpoints):
    state = checkpoints.load_newest()
    return None if state is None else state["epoch"]


def test_an_attempt_takes_the_checkpoints_of_the_one_before(store, study, run):
    first = saved(adopt_checkpoints(store, study, run), 0)
    second = adopt_checkpoints(store, study, replace(run, attempt=2))
    assert newest(second) == 0
    assert second.folder != first.folder
    with pytest.raises(FencedError):
        saved(first, 1)
    assert newest(saved(second, 1)) == 1


def test_a_frozen_attempt_cannot_take_those_of_its_successor(store, study, run):
    second = saved(adopt_checkpoints(store, study, replace(run, attempt=2)), 0)
    assert newest(adopt_checkpoints(store, study, replace(run, attempt=1))) is None
    assert newest(saved(second, 1)) == 1


def test_the_tenth_attempt_comes_after_the_ninth(store, study, run):
    saved(adopt_checkpoints(store, study, replace(run, attempt=9)), 0)
    saved(adopt_checkpoints(store, study, replace(run, attempt=10)), 1)
    assert newest(run_checkpoints(store, study, run)) == 1
    assert newest(adopt_checkpoints(store, study, replace(run, attempt=11))) == 1


def test_checkpoints_of_another_plan_or_seed_are_not_used(store, study, run, caplog):
    saved(adopt_checkpoints(store, study, run), 0)
    for other in (replace(run, seed=5), replace(run, plan=store.runs(study)[3].plan)):
        assert newest(run_checkpoints(store, study, other)) is None
    assert "belongs to another run" in caplog.text


@pytest.mark.parametrize(("left", "again"), mostly_slow([(0, 2), (1, 1), (2, 0)], (1, 1)))
def test_recorded_epochs_that_no_checkpoint_holds_are_told_when_they_are_trained_again(
    store, study, uninterrupted, caplog, left, again
):
    """Somebody tidies up, or a worker of another machine does not see the folder."""
    toy_study.work(store, should_stop=lambda: store.runs(study)[0].epoch == 2)
    run = store.runs(study)[0]
    folder = run_checkpoints(store, study, run).folder
    for path in sorted(folder.iterdir())[left:]:
        path.unlink()
    toy_study.work(store)
    told = [message for message in caplog.messages if "recorded epochs are trained again" in message]
    moved = folder.with_name("attempt-2")
    assert told == (
        [f"checkpoints in {moved} hold {left} of 2 recorded epochs; {again} recorded epochs are trained again"]
        if again
        else []
    )
    assert toy_study.trace(store) == toy_study.trace(uninterrupted)


def test_names_never_become_paths(store, tmp_path):
    name = "../../etc/<x> %s"
    study = start_study(store, toy_study.config(name=name))
    toy_study.work(store, name, should_stop=iter([False] * 12 + [True] * 9).__next__)
    paths = {path.relative_to(tmp_path / "store").parts[0] for path in (tmp_path / "store").rglob("*")}
    assert {path.name for path in tmp_path.iterdir()} == {"store"}
    assert paths <= {"studies.db", "studies.db-wal", "studies.db-shm", "studies.runs"}
    assert study_folder(store, study.record).name.startswith("study-1-")
    assert {path.name for path in study_folder(store, study.record).iterdir()} <= {"trial-0", "trial-1"}


def test_a_new_database_does_not_find_the_files_of_one_that_was_deleted(store, study):
    folder = study_folder(store, study)
    store.engine.dispose()
    (files_folder(store).parent / "studies.db").unlink()
    again = Store(str(store.url))
    assert study_folder(again, start_study(again, toy_study.config()).record) != folder


def test_files_move_with_the_database(store, study, tmp_path):
    store.engine.dispose()
    (tmp_path / "store").rename(tmp_path / "moved")
    moved = Store(f"sqlite:///{tmp_path}/moved/studies.db")
    assert study_folder(moved, moved.study("toy")).is_relative_to(tmp_path / "moved" / "studies.runs")


def test_what_a_thawed_worker_wrote_after_a_later_attempt_had_begun_is_removed(store, study):
    toy_study.work(store)
    run = store.runs(study)[0]
    kept = run_checkpoints(store, study, run).folder
    before = sorted(path.name for path in kept.iterdir())
    stale = kept.with_name("attempt-0")
    stale.mkdir()
    (stale / "epoch-00000-x.pt").write_bytes(b"x")
    catch_up(open_study(store, "toy"))
    assert not stale.exists()
    assert sorted(path.name for path in kept.iterdir()) == before
    assert len(before) == 1

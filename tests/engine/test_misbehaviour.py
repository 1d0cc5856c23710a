"""Whatever the user's code does, the study says it in a sentence and loses nothing."""

import json
import logging
from pathlib import Path

import misbehaving
import pytest
import torch
import toy_study

from lrlc_nas import Study, Task
from lrlc_nas.choices import Plan
from lrlc_nas.config import StudyConfig
from lrlc_nas.engine import OpenStudy, Worker, export_best, open_study, resume_study, start_study
from lrlc_nas.engine.test_split import open_test
from lrlc_nas.errors import InputError, LrlcNasError, StudyStoppedError
from lrlc_nas.store import Store
from lrlc_nas.store import test_openings as openings


def config(task: str) -> StudyConfig:
    return StudyConfig.of(
        {
            "name": "toy",
            "task": {"name": task},
            "space": {"choices": ["lrlc-2"]},
            "search": {"host_repeats": 2, "pruner": "none"},
            "budget": {"trials": 4},
        }
    )


def begun(store: Store, task: str) -> OpenStudy:
    return start_study(store, config(f"misbehaving:task_{task}"))


@pytest.mark.parametrize(
    ("task", "told"),
    [
        ("fails", "error: ValueError: the labels are 0"),
        ("reports_twice", "error: InputError: run.report: epoch 0 was reported already"),
        ("reports_backwards", "error: InputError: run.report: epoch 0 was reported already"),
        ("saves_a_module", "error: InputError: run.save: state['model'] must be a tensor or a plain value"),
        ("never_reports", "error: InputError: the training ended without run.report"),
    ],
)
def test_three_equal_errors_stop_the_study_and_the_others_wait(
    store: Store, task: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    study = begun(store, task)
    with pytest.raises(StudyStoppedError) as stopped, caplog.at_level(logging.ERROR):
        toy_study.work(store)
    assert told in str(stopped.value)
    runs = store.runs(study.record)
    assert [run.state for run in runs] == ["failed"] * 3 + ["waiting"]
    assert caplog.text.count("Traceback") == 1  # where it happened, once


def test_a_value_that_is_not_a_number_prunes(store: Store) -> None:
    study = begun(store, "reports_nan")
    toy_study.work(store)
    assert {(run.state, run.cause, run.epoch) for run in store.runs(study.record)} == {("pruned", "diverged", 0)}


def test_a_run_that_was_pruned_or_stopped_cannot_go_on_unheard(store: Store) -> None:
    study = begun(store, "swallows_everything")
    Worker(store, study.record, study.prepared, device="cpu", should_stop=lambda: bool(sum_of_epochs(store))).work()
    assert sum_of_epochs(store) == 1
    toy_study.work(store)
    assert {(run.state, run.epoch) for run in store.runs(study.record)} == {("complete", 3)}


def sum_of_epochs(store: Store) -> int:
    return sum(map(len, store.epochs(store.study("toy")).values()))


def test_a_network_that_was_changed_is_tested_and_exported_all_the_same(store: Store, tmp_path: Path) -> None:
    study = begun(store, "changes_the_network")
    toy_study.work(store)
    assert {run.state for run in store.runs(study.record)} == {"complete"}
    export_best(store, "toy", tmp_path / "best")
    assert json.loads((tmp_path / "best" / "plan.json").read_text())["task"] == "misbehaving:task_changes_the_network"


def test_a_run_that_shows_no_sign_of_life_is_left_to_the_others(store: Store) -> None:
    study, told = begun(store, "sleeps"), []
    worker = Worker(store, study.record, study.prepared, device="cpu", hang_seconds=0.4, on_hang=told.append)
    worker.work()
    assert told
    assert all("no step has ended for" in sentence for sentence in told)


def test_a_file_that_is_not_there_ends_the_worker_and_not_the_run(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be the wrong folder; nobody can tell whose trouble such an error is."""
    study = begun(store, "reads_a_file")
    monkeypatch.chdir(tmp_path)
    worker = Worker(store, study.record, study.prepared, device="cpu", lease_seconds=0.5)
    with pytest.raises(FileNotFoundError, match=r"settings\.txt"):
        worker.work()
    assert not {"failed", "pruned"} & {run.state for run in store.runs(study.record)}
    Path("settings.txt").touch()
    resume_study(store, "toy")
    toy_study.work(store)
    assert {(run.state, run.epoch) for run in store.runs(study.record)} == {("complete", 3)}


def test_a_training_that_kills_its_process_is_taken_up_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = "misbehaving:task_kills_its_process_once"
    study = Study("toy", name, space={"choices": ["lrlc-2"]}, search={"host_repeats": 2, "pruner": "none"})
    reading = study.start(trials=4, workers=1)
    assert Path("killed").exists()
    assert [(run.state, len(reading.epochs[run.run_id])) for run in reading.runs] == [("complete", 3)] * 4


def test_a_module_that_a_worker_cannot_import_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ONLY_AT_THE_START", "1")
    study = Study("toy", "misbehaving:task_fails", space={"choices": ["lrlc-2"]})
    with pytest.raises(LrlcNasError, match="cannot import 'misbehaving': RuntimeError: this module wants a display"):
        study.start(trials=4, workers=1)
    assert {run.state for run in study.reading.runs} == {"waiting"}


@pytest.mark.parametrize(
    ("task", "told"),
    [
        ("misbehaving:task_makes_no_module", r"host\(\) must give a torch.nn.Module, but gave a str"),
        ("misbehaving:task_host_fails", r"host\(\) failed: ZeroDivisionError: division by zero"),
        ("misbehaving:task_wants_other_inputs", r"does not run on a tensor of shape \(1, 3, 6, 6\)"),
        ("misbehaving:number", "must be a lrlc_nas.Task, or a function that gives one, but is a int"),
        ("misbehaving:nothing", "has no such name"),
        ("nowhere_to_be_found:task", "cannot import 'nowhere_to_be_found'"),
    ],
)
def test_what_cannot_begin_is_refused_before_anything_is_written(store: Store, task: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        start_study(
            store, config("any").model_copy(update={"task": config("any").task.model_copy(update={"name": task})})
        )
    assert not store.exists()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"train": lambda network: None}, r"Task.train must be a function of \(network, run\), but takes \(network\)"),
        ({"host": lambda width: None}, r"Task.host must be a function of \(\), but takes \(width\)"),
        ({"score": lambda: 1}, r"Task.score must be a function of \(network, split\), but takes \(\)"),
        ({"train": 3}, r"Task.train must be a function of \(network, run\), but is 3, a int"),
        ({"metric": "IoU"}, "Task.metric must be a Metric, but is 'IoU', a str"),
        ({"epochs": 0}, "Task.epochs must be a whole number from 1, or None, but is 0"),
        ({"init": "random"}, "Task.init must be 'paper' or 'host', but is 'random'"),
    ],
)
def test_a_task_of_another_form_is_refused_where_it_is_made(changes: dict, told: str) -> None:
    given = {"host": misbehaving.Host, "sample": torch.zeros(1, 1, 6, 6), "train": misbehaving.never_reports}
    with pytest.raises(InputError, match=told):
        Task(**given | changes)


def test_a_score_that_is_no_number_is_refused(store: Store) -> None:
    study = begun(store, "scores_text")
    network = study.prepared.network(Plan(), 0)
    with pytest.raises(InputError, match=r"score\(\) must give a finite number, but gave 'good'"):
        study.prepared.task.score(network, "test", "cpu")


def test_who_only_looks_runs_no_layer_of_the_users(store: Store) -> None:
    own = {"name": "toy", "space": {"choices": ["lrlc-2", "misbehaving:layer"]}, "budget": {"trials": 5}}
    study = start_study(store, StudyConfig.of(own))
    assert study.record.space["conv3"] == ("conv", "lrlc-2", "misbehaving:layer")
    with pytest.raises(InputError, match="the choice of study 'toy' is misbehaving:layer"):
        open_study(store, "toy", looking=True)


def test_a_task_without_a_score_cannot_open_the_test_split_and_no_opening_is_recorded(store: Store) -> None:
    study = begun(store, "changes_the_network")
    with pytest.raises(InputError, match="has no function score"):
        open_test(store, study, {"host": Plan()}, [0])
    assert openings(store, study.record) == []


def test_who_does_not_know_how_many_epochs_there_are_prunes_no_run_that_is_at_its_end(store: Store) -> None:
    """Four epochs and rungs after 1, 2 and 4: at the last one there is nothing left to save."""
    sections = {
        "space": {"choices": ["lrlc-2", "lrlc-4", "lc"]},
        "search": {"host_repeats": 2, "min_epochs": 1, "pruner": "successive-halving"},
    }
    own = {"name": "toy", "task": {"name": "misbehaving:task_worsens"}, "budget": {"trials": 12}} | sections
    study = start_study(store, StudyConfig.of(own))
    toy_study.work(store)
    ends = {(run.state.value, run.epoch) for run in store.runs(study.record)}
    assert ("pruned", 4) not in ends
    assert ("complete", 4) in ends

"""A study may be stopped or killed at any moment, and goes on from the database alone."""

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import torch
from command_line import (
    DATABASE,
    TRIALS,
    Done,
    Finished,
    Running,
    call,
    epochs,
    is_gone,
    listens,
    optuna_states,
    query,
    story,
    unfinished,
    wait_until,
)

from lrlc_nas.signals import ENDING_SIGNALS

WORKER = ("worker", "small", "--threads", "1", "--device", "cpu")


def work() -> Done:
    """A worker in this process."""
    threads = torch.get_num_threads()
    try:
        return call(*WORKER)
    finally:
        torch.set_num_threads(threads)


def assert_whole(folder: Path, trials: int = TRIALS) -> None:
    """Every run of the budget has ended once, on Optuna's side as well, and nothing is half-written."""
    assert unfinished(folder) == 0
    states = optuna_states(folder)
    assert sum(states.values()) == trials
    assert not {"RUNNING", "WAITING"} & set(states)
    assert not list(folder.rglob("*.tmp"))


def assert_politely_stopped(done: Done, workers: list[psutil.Process]) -> None:
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("stopped; resume with: lrlc-nas resume small\n")
    assert all(map(is_gone, workers))


@pytest.mark.parametrize("number", ENDING_SIGNALS)
def test_each_signal_that_asks_for_an_end_gets_a_polite_one(
    number: signal.Signals, study_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lrlc_nas.engine.launchers.LocalWorkers.run", lambda *_: signal.raise_signal(number))
    assert_politely_stopped(call("start", str(study_file)), workers=[])


def test_a_second_signal_ends_at_once(tmp_path: Path, study_file: Path) -> None:
    with Running(tmp_path, ("start", str(study_file), "--workers", "1")) as study:
        (worker,) = study.until_training()
        worker.suspend()  # it cannot answer politely
        study.signal(signal.SIGTERM)
        with pytest.raises(psutil.TimeoutExpired):
            psutil.Process(study.process.pid).wait(1)
        study.signal(signal.SIGINT)
        done = study.wait()
    assert (done.code, done.err) == (130, "")
    assert is_gone(worker)


@pytest.mark.slow  # each half is met below, and in tests/reliability/test_crashes.py
def test_stopped_and_then_killed_a_study_ends_as_if_undisturbed(
    tmp_path: Path, study_file: Path, finished: Finished
) -> None:
    with Running(tmp_path, ("start", str(study_file), "--workers", "1")) as study:
        workers = study.until_training()
        study.signal(signal.SIGINT)
        assert_politely_stopped(study.wait(), workers)
    with Running(tmp_path, ("resume", "small", "--workers", "1")) as study:
        workers = study.until_training()
        study.process.kill()
        wait_until(lambda: all(map(is_gone, workers)), lambda: f"still alive: {workers}", seconds=5)
    assert unfinished(tmp_path) > 0
    done = call("resume", "small", "--workers", "1")
    assert (done.code, done.err) == (0, "")
    assert story(tmp_path) == story(finished.folder)
    assert_whole(tmp_path)


@pytest.mark.slow  # as tests/reliability/test_crashes.py, with a command
def test_a_killed_worker_is_replaced_and_the_study_ends_as_if_undisturbed(
    tmp_path: Path, study_file: Path, finished: Finished
) -> None:
    killed: list[int] = []

    def kill() -> None:
        wait_until(lambda: epochs(tmp_path) > 0, lambda: "no epoch")
        for child in psutil.Process().children():
            if "worker" in child.cmdline():
                child.kill()
                killed.append(child.pid)

    with ThreadPoolExecutor() as pool:
        killing = pool.submit(kill)
        done = call("start", str(study_file), "--workers", "1")
        killing.result()
    assert len(killed) == 1
    assert (done.code, done.err) == (0, "")
    assert story(tmp_path) == story(finished.folder)
    assert_whole(tmp_path)


@pytest.mark.slow  # as tests/reliability/test_races.py, with commands
def test_two_workers_spend_the_same_budget_and_train_no_plan_twice(
    tmp_path: Path, study_file: Path, finished: Finished
) -> None:
    done = call("start", str(study_file), "--workers", "2")
    assert (done.code, done.err) == (0, "")
    assert_whole(tmp_path)
    runs = [row for row in story(tmp_path) if isinstance(row[1], str)]
    plans = [row[1] for row in runs]
    hosts = [plan for plan in plans if plan == plans[0]]
    assert len(plans) == TRIALS
    assert len(set(plans)) == TRIALS - len(hosts) + 1  # the host alone is repeated, with other seeds
    block = [row for row in story(finished.folder) if isinstance(row[1], str)][: len(hosts)]
    assert runs[: len(hosts)] == block  # runs do not depend on who trains beside them


def test_a_worker_started_by_hand_trains_the_same_study(tmp_path: Path, untrained: bytes, finished: Finished) -> None:
    (tmp_path / DATABASE).write_bytes(untrained)
    assert work() == Done(0, "", "")
    assert story(tmp_path) == story(finished.folder)
    assert_whole(tmp_path)


@pytest.mark.parametrize(
    "signals", [[signal.SIGUSR1], pytest.param(list(ENDING_SIGNALS), marks=pytest.mark.slow)], ids=["one", "all"]
)
def test_a_worker_on_its_own_gives_its_run_back_at_each_signal_and_loses_nothing(
    signals: list[signal.Signals], tmp_path: Path, untrained: bytes, finished: Finished
) -> None:
    """One worker goes on where the one before was stopped; none of them waits for a lease to run out."""
    (tmp_path / DATABASE).write_bytes(untrained)
    for number in signals:
        before = epochs(tmp_path)
        with Running(tmp_path, WORKER) as running:
            wait_until(lambda: epochs(tmp_path) > before, lambda: "no epoch")  # noqa: B023
            running.signal(number)
            assert running.wait() == Done(0, "", "")
        assert unfinished(tmp_path) > 0, "the study was over before the test could interfere"
        held = "SELECT number FROM nas_run WHERE done = 0 AND (state != 'waiting' OR expires > 0 OR crash_count > 0)"
        assert query(tmp_path, held) == []
    assert work() == Done(0, "", "")
    assert story(tmp_path) == story(finished.folder)
    assert max(query(tmp_path, "SELECT attempt FROM nas_run")) > (1,), "no run was interrupted"
    assert_whole(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_to_a_worker_that_is_still_starting_ends_it_at_once(
    number: signal.Signals, tmp_path: Path, untrained: bytes
) -> None:
    """It hears them from the moment that it is one, seconds before it could claim a run."""
    (tmp_path / DATABASE).write_bytes(untrained)
    with Running(tmp_path, ("worker", "small")) as running:
        wait_until(lambda: listens(running.process.pid, number), lambda: f"{running.process.poll()}")
        running.signal(number)
        assert running.wait() == Done(0, "", "")
    assert query(tmp_path, "SELECT number FROM nas_run WHERE attempt > 0") == []


def test_workers_that_are_still_starting_end_with_their_supervisor(tmp_path: Path, study_file: Path) -> None:
    with Running(tmp_path, ("start", str(study_file), "--workers", "2")) as study:
        wait_until(lambda: len(study.workers()) == 2, lambda: f"{study.workers()}")
        workers = study.workers()
        wait_until(lambda: all(listens(each.pid, signal.SIGTERM) for each in workers), lambda: f"{workers}")
        study.process.kill()
        wait_until(lambda: all(map(is_gone, workers)), lambda: f"still alive: {workers}", seconds=5)
    assert query(tmp_path, "SELECT number FROM nas_run WHERE attempt > 0") == []

"""Hooks hear of each epoch once, whatever interrupts the run, and harm nothing."""

import logging
import sys

import pytest
import toy_study

from lrlc_nas.config import StudyConfig
from lrlc_nas.engine import start_study
from lrlc_nas.errors import InputError
from lrlc_nas.store import Store

HEARD: list[dict] = []


def hear(facts: dict) -> None:
    HEARD.append(facts)


def fail(facts: dict) -> None:
    facts["scores"].clear()
    raise RuntimeError("the tracker is away")


def leave(facts: dict) -> None:
    sys.exit(3)


def config(*hooks: str) -> StudyConfig:
    return toy_study.config().model_copy(update={"hooks": tuple(f"{__name__}:{hook}" for hook in hooks)})


def test_each_epoch_is_told_once_though_the_study_was_stopped_and_resumed(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    HEARD.clear()
    start_study(store, config("fail", "leave", "hear"))
    study = store.study("toy")
    with caplog.at_level(logging.WARNING):
        toy_study.work(store, should_stop=lambda: len(HEARD) == 4)
        toy_study.work(store)
    recorded = store.epochs(study)
    numbers = {run.run_id: run.number for run in store.runs(study)}
    wanted = {(numbers[key], epoch.epoch, epoch.value) for key, epochs in recorded.items() for epoch in epochs}
    assert {(facts["run"], facts["epoch"], facts["value"]) for facts in HEARD} == wanted
    assert len(HEARD) == len(wanted)
    assert HEARD[0]["metric"] == "accuracy"
    assert HEARD[0]["scores"].keys() == next(iter(recorded.values()))[0].scores.keys()
    assert caplog.text.count("the tracker is away") == 1
    assert caplog.text.count("SystemExit: 3") == 1


def test_one_that_is_not_there_is_refused_before_anything_is_written(store: Store) -> None:
    with pytest.raises(InputError, match="has no such name"):
        start_study(store, config("nothing"))
    assert not store.exists()


def test_a_study_without_hooks_is_written_as_it_always_was() -> None:
    assert "hooks" not in toy_study.config().to_json()
    assert StudyConfig.from_json(config("hear").to_json()) == config("hear")

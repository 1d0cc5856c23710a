"""How a layer is computed is a choice of the study, not of the worker that happens to train it."""

import pytest
import torch
import toy_study

from lrlc_nas.engine import start_study
from lrlc_nas.layers import LowRankLocallyConnected2d, tune, tuning
from lrlc_nas.layers.low_rank import COMPUTATIONS
from lrlc_nas.store import KernelChoices, Store


def config(path):
    return toy_study.config(
        recipe={"path": path},
        space={"choices": ["lrlc-2", "lrlc-3"]},
        search={"host_repeats": 1, "pruner": "none"},
        budget={"trials": 6},
    )


def let_win(patch, fast):
    """From now on a measurement finds one computation to be the faster."""
    patch.setattr(tuning, "step_seconds", lambda layer, computation, x: 1.0 if computation == fast else 9.0)


def started(folder, path="auto"):
    """A new toy study, in a folder of its own."""
    folder.mkdir()
    store = Store(f"sqlite:///{folder}/studies.db")
    start_study(store, config(path))
    return store


def recorded(store):
    return KernelChoices(store, store.study("toy")).all()


def ended(store):
    return sum(run.state == "complete" for run in store.runs(store.study("toy")))


@pytest.fixture(scope="module")
def forced(tmp_path_factory):
    """The trace of the study under each path, if the recipe names it."""
    folder, traces = tmp_path_factory.mktemp("forced"), {}
    for path in COMPUTATIONS:
        store = started(folder / path, path)
        toy_study.work(store)
        assert recorded(store) == {}
        traces[path] = toy_study.trace(store)
        store.engine.dispose()
    assert traces["bank"] != traces["kernel"], "the two paths can be told apart by their bits"
    return traces


def test_a_recorded_choice_is_trained_whatever_a_measurement_would_say(tmp_path, forced, monkeypatch):
    first, second = started(tmp_path / "first"), started(tmp_path / "second")
    let_win(monkeypatch, "bank")
    toy_study.work(first)
    assert set(recorded(first).values()) == {"bank"}
    memory = KernelChoices(second, second.study("toy"))
    for situation, path in recorded(first).items():
        memory.setdefault(situation, path)
    let_win(monkeypatch, "kernel")
    toy_study.work(second)
    assert toy_study.trace(first) == toy_study.trace(second) == forced["bank"]
    assert recorded(second) == recorded(first)
    for store in (first, second):
        store.engine.dispose()


def test_a_second_worker_follows_the_first(tmp_path, forced, monkeypatch):
    store = started(tmp_path / "both")
    let_win(monkeypatch, "kernel")
    toy_study.work(store, should_stop=lambda: ended(store) == 5)
    begun = recorded(store)
    assert set(begun.values()) == {"kernel"}
    let_win(monkeypatch, "bank")
    toy_study.work(store)
    assert ended(store) == 6
    assert recorded(store) == begun, "the block of five runs meets every situation"
    assert toy_study.trace(store) == forced["kernel"]
    store.engine.dispose()


def test_a_worker_keeps_its_choices_to_the_study(tmp_path, monkeypatch):
    """What ran before in this process, and what runs after, has a memory of its own."""
    let_win(monkeypatch, "kernel")
    store, own = started(tmp_path / "own"), {}
    with tuning.remembering(own):
        toy_study.work(store)
        assert own == {}
        tune(LowRankLocallyConnected2d(2, 3, 3, 6, 2), torch.zeros(1, 2, 6, 6))
    assert len(own) == 1
    assert not own.keys() & recorded(store).keys()
    store.engine.dispose()

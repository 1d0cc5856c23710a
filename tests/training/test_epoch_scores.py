"""A number more for each epoch needs who measures it and who shows it: all between takes any that is named."""

import pytest
from toy_epochs import an_epoch
from toy_store import FOREVER, WAITING, add_study, make_store

from lrlc_nas.runs import Checkpoints, EpochResult
from lrlc_nas.store import Store, claim, record_epoch

MORE = {"gradient_norm": 1 / 3, "largest": 1.7976931348623157e308, "smallest": 5e-324, "none": float("inf")}


@pytest.fixture
def store(tmp_path):
    store = make_store(tmp_path)
    yield store
    store.engine.dispose()


def test_a_score_of_any_name_is_stored_and_read_back_to_the_last_bit(tmp_path, store):
    study = add_study(store, [WAITING])
    held = claim(store, study, "me", FOREVER)
    results = [an_epoch(0, 0.1 + 0.2, **MORE), EpochResult(1, 2 / 3, 1.0, {}), EpochResult(2, 0.5, 1.0, MORE)]
    for result in results:
        record_epoch(store, held, result)
    other = Store(f"sqlite:///{tmp_path}/studies.db")
    assert other.epochs(study) == {held.run.run_id: results}
    assert [list(each.scores) for each in other.run_epochs(held.run)] == [list(each.scores) for each in results]
    other.engine.dispose()


def test_checkpoints_keep_it(tmp_path):
    result = an_epoch(3, 0.25, **MORE)
    checkpoints = Checkpoints(tmp_path, "run")
    checkpoints.save(3, {"history": [result.to_dict()]})
    ((_, state),) = checkpoints.usable()
    assert [EpochResult.from_dict(values) for values in state["history"]] == [result]


def test_checkpoints_of_older_versions_are_read():
    old = {"epoch": 2, "accuracy": 0.5, "seconds": 1.5, "train_loss": 1.0, "train_accuracy": 0.4}
    old |= {"loss": 1.1, "learning_rate": 0.1, "images_per_second": 9.0}
    names = ("train_loss", "train_accuracy", "loss", "learning_rate", "images_per_second")
    assert EpochResult.from_dict(old) == EpochResult(2, 0.5, 1.5, {name: old[name] for name in names})

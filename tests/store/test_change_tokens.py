"""The version of a study changes with whatever a page on it could show, and with nothing else."""

import pytest
from toy_epochs import an_epoch
from toy_store import FOREVER, WAITING, a_plan, add_study, make_store

from lrlc_nas.store import (
    Store,
    add_test_opening,
    change_tokens,
    claim,
    extend_study,
    finish,
    plan_run,
    record_epoch,
    record_results,
    release,
)


def happenings(store, study):
    """All that happens to a study, one after the other."""
    held = claim(store, study, "me", FOREVER)
    yield "claimed"
    plan_run(store, held, a_plan(2), 1, 1)
    yield "planned"
    record_epoch(store, held, an_epoch(0))
    yield "an epoch"
    release(store, held)
    yield "given back"
    held = claim(store, study, "me", FOREVER)
    yield "claimed again"
    record_epoch(store, held, an_epoch(1))
    yield "another epoch"
    finish(store, held, "complete", value=0.5, facts={})
    yield "ended"
    look = add_test_opening(store, study, {})
    yield "a look"
    record_results(store, look, {})
    yield "its results"
    extend_study(store, study, 4, [WAITING])
    yield "raised"


def test_everything_that_happens_changes_it_and_no_other_study(store, study):
    other = add_study(store, [WAITING], name="other")
    seen, untouched = [change_tokens(store)["toy"].text], change_tokens(store)["other"]
    for happening in happenings(store, study):
        now = change_tokens(store)
        assert now["toy"].text not in seen, happening
        assert now["other"] == untouched
        assert change_tokens(store) == now
        seen.append(now["toy"].text)
    assert (now["toy"].study_id, now["other"].study_id) == (study.study_id, other.study_id)


def test_they_come_oldest_first(store, study):
    for name in ("b", "a"):
        add_study(store, [], name=name)
    assert list(change_tokens(store)) == ["toy", "b", "a"]


def test_a_study_that_was_made_again_has_another_one(tmp_path):
    found = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        store = make_store(folder)
        add_study(store, [WAITING])
        found.append(change_tokens(store)["toy"].text)
        store.engine.dispose()
    assert found[0] != found[1]


def test_reading_takes_no_lock(store, study):
    with store.engine.begin():  # as a worker's, which may write
        assert list(change_tokens(store)) == ["toy"]


def test_a_database_that_is_not_there_has_none(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'none.db'}")
    assert change_tokens(store) == {}
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("runs", [0, 3])
def test_a_study_that_nobody_has_begun_has_one(tmp_path, runs):
    store = make_store(tmp_path)
    add_study(store, [WAITING] * runs, trials=False)
    assert change_tokens(store)["toy"].text
    store.engine.dispose()

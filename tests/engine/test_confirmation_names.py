"""A confirmation is found by its search's number: a name decides nothing."""

import pytest
import toy_study

from lrlc_nas.choices import Plan
from lrlc_nas.engine import start_confirmation, start_study
from lrlc_nas.engine.concluding import conclusion_of
from lrlc_nas.engine.confirm import confirmation_to_run
from lrlc_nas.errors import InputError
from lrlc_nas.report import read_study
from lrlc_nas.store import Store

CLAIMS = {"second: lc": Plan.of({"second": "lc"})}


@pytest.fixture
def misled(store: Store) -> Store:
    """A search whose confirmation would have the name of another search, and the name after it as well."""
    for name in ("toy/confirmation", "toy/confirmation-2", "toy"):
        start_study(store, toy_study.config(name=name))
    return store


def test_a_search_that_is_called_like_a_confirmation_is_none(misled: Store) -> None:
    assert misled.confirmation_of(misled.study("toy")) is None
    for name in misled.names():
        assert misled.search_of(misled.study(name)) is None
        assert read_study(misled, name).confirmation is None
    with pytest.raises(InputError, match="has no confirmation yet"):
        conclusion_of(misled, "toy")


def test_its_neighbour_is_confirmed_all_the_same_and_once(misled: Store) -> None:
    study = confirmation_to_run(misled, "toy", CLAIMS, seeds=2)
    assert study.record.name == "toy/confirmation-3"
    assert study.record.parent_study_id == misled.study("toy").study_id
    again = confirmation_to_run(misled, "toy", CLAIMS)
    assert again.record == study.record
    with pytest.raises(InputError, match="has a confirmation already"):
        start_confirmation(misled, "toy", CLAIMS, seeds=2, smallest_effect=0.3)
    record, conclusion = conclusion_of(misled, "toy")
    assert (record, conclusion.open_runs) == (study.record, study.record.trials)
    assert read_study(misled, "toy").confirmation is not None
    assert read_study(misled, "toy/confirmation").confirmation is None
    with pytest.raises(InputError, match="part of its report"):
        read_study(misled, "toy/confirmation-3")


def test_a_confirmation_of_its_own_has_who_is_called_like_one(misled: Store) -> None:
    study = confirmation_to_run(misled, "toy/confirmation", CLAIMS, seeds=2)
    assert study.record.name == "toy/confirmation/confirmation"
    assert misled.confirmation_of(misled.study("toy")) is None
    with pytest.raises(InputError, match="is a confirmation itself"):
        confirmation_to_run(misled, study.record.name, CLAIMS, seeds=2)


def test_a_long_name_leaves_room_for_that_of_its_confirmation(store: Store) -> None:
    start_study(store, toy_study.config(name="x" * 200))
    study = confirmation_to_run(store, "x" * 200, CLAIMS, seeds=2)
    assert len(study.record.name) == 200
    assert study.record.name.endswith("x/confirmation")

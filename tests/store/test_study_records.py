import threading
from datetime import UTC, datetime, timedelta

import optuna
import pytest
from toy_epochs import an_epoch
from toy_store import FOREVER, WAITING, a_plan, add_study

from lrlc_nas.choices import Plan
from lrlc_nas.config import StudyConfig
from lrlc_nas.errors import InputError
from lrlc_nas.facts import Role
from lrlc_nas.store import NewRun, SiteRecord, Store, claim, extend_study, finish, record_epoch


def test_a_study_is_read_as_it_was_added(store, study):
    assert store.study("toy") == study
    assert (study.name, study.trials, study.config) == ("toy", 3, StudyConfig(name="toy"))
    assert study.space == {"first": ("conv", "lrlc-2")}
    assert study.left_out == {"first": {"lc": "too large"}}
    assert study.refused == {"odd": "groups"}
    assert study.sites == (SiteRecord("first", {"size": [3, 4]}),)
    assert study.facts == {"versions": {"torch": "3"}}
    assert abs(study.created - datetime.now(UTC)) < timedelta(minutes=1)


def test_runs_are_read_as_they_were_added(store):
    planned = NewRun(Role.HOST, seed=3, repeat=1, plan=Plan(), parameters=10, macs=2**40)
    first, second = store.runs(add_study(store, [planned, WAITING], trials=False))
    assert (first.number, first.role, first.seed, first.repeat) == (0, "host", 3, 1)
    assert (first.plan, first.parameters, first.macs) == (Plan(), 10, 2**40)
    assert (second.number, second.plan, second.parameters) == (1, None, None)
    assert (second.state, second.attempt, second.epoch, second.value) == ("waiting", 0, 0, None)
    assert second.started is second.finished is None


def test_epochs_are_read_in_order_and_to_the_last_bit(store, study):
    recorded = {}
    for _ in range(2):
        held = claim(store, study, "me", FOREVER)
        recorded[held.run.run_id] = [an_epoch(e, value=1 / 3 + e) for e in range(2)]
        for epoch in recorded[held.run.run_id]:
            record_epoch(store, held, epoch)
    assert store.epochs(study) == recorded
    assert store.values(study, 1) == dict.fromkeys(recorded, 1 / 3 + 1)
    assert store.values(study, 2) == {}


def test_studies_do_not_see_each_others_runs(store, study):
    other = add_study(store, [NewRun(Role.SAMPLED, seed=1)], name="other")
    held = claim(store, other, "me", FOREVER)
    record_epoch(store, held, an_epoch(0))
    finish(store, held, "complete", value=0.5, facts={})
    assert len(store.runs(study)) == 3
    assert store.epochs(study) == store.values(study, 0) == {}
    assert store.last_ended(study, 3) == []
    assert store.counts(study) == {"waiting": 3}
    assert store.is_done(other)
    assert not store.is_done(study)


def test_the_runs_that_ended_last_come_last_first(store, study, later):
    held = [claim(store, study, "me", FOREVER) for _ in range(3)]
    for number in (1, 2, 0):
        finish(store, held[number], "complete", value=0.5, facts={})
        later(1.0)
    assert [run.number for run in store.last_ended(study, 2)] == [0, 2]


def test_a_name_is_taken_once(store, study):
    with pytest.raises(InputError, match=r"study 'toy' exists already in sqlite:///"):
        add_study(store, [WAITING])
    assert store.names() == ["toy"]
    assert len(store.runs(study)) == 3


def test_a_missing_study_is_refused_with_those_that_are_there(tmp_path, store):
    with pytest.raises(InputError, match=r"no study 'none' in sqlite:///\S+; it holds no study"):
        store.study("none")
    add_study(store, [WAITING], name="a")
    add_study(store, [WAITING], name="b")
    with pytest.raises(InputError, match=r"no study 'none' .* it holds a, b$"):
        store.study("none")


@pytest.mark.parametrize(
    "read", [Store.names, Store.exists, lambda s: s.has_optuna_study("toy")], ids=["names", "exists", "optuna"]
)
def test_reading_creates_no_file(tmp_path, read):
    assert not read(Store(f"sqlite:///{tmp_path}/studies.db"))
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "studies.db").touch()
    assert not read(Store(f"sqlite:///{tmp_path}/studies.db"))
    assert (tmp_path / "studies.db").read_bytes() == b""


def test_reading_a_database_of_optunas_does_not_change_it(tmp_path):
    url = f"sqlite:///{tmp_path}/studies.db"
    optuna.create_study(storage=url, study_name="foreign")
    before = (tmp_path / "studies.db").read_bytes()
    store = Store(url)
    assert not store.exists()
    assert store.has_optuna_study("foreign")
    assert not store.has_optuna_study("other")
    store.engine.dispose()
    assert (tmp_path / "studies.db").read_bytes() == before


def test_a_raised_total_appends_runs(store, study):
    extend_study(store, study, 5, [NewRun(Role.SAMPLED, seed=number) for number in (3, 4)])
    assert [(run.number, run.seed) for run in store.runs(study)][3:] == [(3, 3), (4, 4)]
    assert store.study("toy").trials == 5


def test_two_that_raise_the_total_at_once_end_with_the_larger(store, study):
    """Both know of three runs and want ten and six."""
    barrier = threading.Barrier(2)

    def extend(total: int) -> None:
        another = Store(str(store.url))
        barrier.wait()
        extend_study(another, study, total, [NewRun(Role.SAMPLED, seed=number) for number in range(3, total)])
        another.engine.dispose()

    threads = [threading.Thread(target=extend, args=(total,)) for total in (10, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.study("toy").trials == 10
    assert [(run.number, run.seed) for run in store.runs(study)][3:] == [(number, number) for number in range(3, 10)]


@pytest.mark.parametrize("totals", [(10, 6), (6, 10)])
def test_the_larger_total_wins_in_either_order(store, study, totals):
    for total in totals:
        extend_study(store, study, total, [NewRun(Role.SAMPLED, seed=number) for number in range(3, total)])
    assert [run.seed for run in store.runs(study)][3:] == list(range(3, 10))


def test_text_is_kept_as_it_is(store):
    name = "naïve 'quoted\" %s \N{SNOWMAN} <script>"
    study = add_study(store, [NewRun(Role.SAMPLED, 0, plan=a_plan(2))], name=name)
    assert store.names() == [name]
    held = claim(store, study, "me", FOREVER)
    finish(store, held, "failed", value=None, reason=name, facts={"a": name})
    assert store.runs(study)[0].reason == name

"""Tables of older versions are read as if they were new, and stay as they are; what was said in words is typed."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from older import VERSIONS, take_back
from toy_epochs import an_epoch
from toy_store import FOREVER, a_plan, add_study, make_store, tie

from lrlc_nas.config import ConfirmationSection, StudyConfig
from lrlc_nas.errors import InputError
from lrlc_nas.facts import EndCause, Role, RunState
from lrlc_nas.store import (
    KernelChoices,
    NewRun,
    Store,
    add_test_opening,
    change_tokens,
    claim,
    finish,
    insert_study,
    record_epoch,
    record_results,
    require_bearable,
)
from lrlc_nas.store import test_openings as openings

ENDS = [
    (RunState.PRUNED, "behind the others after epoch 2", EndCause.BEHIND),
    (RunState.PRUNED, "infeasible: 3 x the parameters of the host", EndCause.INFEASIBLE),
    (RunState.PRUNED, "infeasible: out of memory: 2 GiB", EndCause.OUT_OF_MEMORY),
    (RunState.PRUNED, "diverged: epoch 0: the training loss is nan", EndCause.DIVERGED),
    (RunState.FAILED, "error: its worker died 10 times in epoch 1, once of OSError: x", EndCause.CRASHED),
    (RunState.FAILED, "error: ValueError: behind the others after epoch 1", EndCause.ERROR),
    (RunState.COMPLETE, "", None),
]
"""State and reason as older versions wrote them, and the cause that they mean."""
# Some that no short decimal is near to.
EPOCHS = [an_epoch(0, 0.1 + 0.2, 1e-17, loss=1 / 3, learning_rate=5e-324), an_epoch(1, 2 / 3, 1e16 + 2, train_loss=0.1)]


def as_confirmation(of: str) -> StudyConfig:
    return StudyConfig(name="any", confirmation=ConfirmationSection(of=of, claims=(), family=1))


def end(store, held, state, **options):
    finish(store, held, state, value=0.5, facts={}, **options)


@pytest.fixture
def filled(tmp_path):
    """A search with all kinds of ends, its confirmation of two stages, and a study that is only called like one."""
    store = make_store(tmp_path)
    study = add_study(store, [NewRun(Role.SAMPLED, seed) for seed in range(len(ENDS))])
    for state, reason, cause in ENDS:
        held = claim(store, study, "far/1/1.00", FOREVER)
        for epoch in EPOCHS:
            record_epoch(store, held, epoch)
        end(store, held, state, cause=cause, reason=reason)
    add_study(store, [NewRun(Role.HOST, 0)], name="toy/confirmation")
    runs = [NewRun(Role.CONFIRM, n, n, a_plan(2), 1, 1, stage=1 + n) for n in range(2)]
    fields = {"left_out": {}, "refused": {}, "host_fingerprint": "", "data_fingerprint": "", "facts": {}}
    fields |= {"files": "", "sites": [], "space": {}}
    confirmation = insert_study(
        store, name="other name", config=as_confirmation("toy"), runs=runs, parent_study_id=study.study_id, **fields
    )
    tie(store, confirmation)
    KernelChoices(store, study).setdefault("here", "bank")
    record_results(store, add_test_opening(store, confirmation, {"arms": {}}), {"x": 1})
    yield store
    store.engine.dispose()


def everything(store):
    """All that is read, by whatever reads it; without what a version did not have."""
    studies = [store.study(name) for name in store.names()]
    return {
        "studies": studies,
        "runs": [store.runs(study) for study in studies],
        "epochs": [store.epochs(study) for study in studies],
        "values": [store.values(study, 1) for study in studies],
        "counts": [store.counts(study) for study in studies],
        "ended": [store.last_ended(study, 3) for study in studies],
        "confirmations": [store.confirmation_of(study) for study in studies],
        "searches": [store.search_of(study) for study in studies],
        "choices": [KernelChoices(store, study).all() for study in studies],
        "openings": [openings(store, study) for study in studies],
        "tokens": change_tokens(store),
    }


def known_to(version, seen):
    """What a version could know of it."""
    if version < "0003":
        tokens = {name: replace(token, text="") for name, token in seen["tokens"].items()}
        seen = seen | {"openings": [[]] * 3, "tokens": tokens}
    return seen | {"choices": [{}] * 3} if version < "0002" else seen


def older(tmp_path, store, version):
    store.engine.dispose()
    take_back(tmp_path / "studies.db", version)
    return Store(f"sqlite:///{tmp_path}/studies.db")


@pytest.mark.parametrize("version", VERSIONS)
def test_an_older_database_is_read_as_if_it_were_new_and_stays_as_it_is(tmp_path, filled, version):
    wanted = known_to(version, everything(filled))
    store = older(tmp_path, filled, version)
    before = (tmp_path / "studies.db").read_bytes()
    assert known_to(version, everything(store)) == wanted
    require_bearable(store, 2)
    store.engine.dispose()
    assert (tmp_path / "studies.db").read_bytes() == before


@pytest.mark.parametrize("version", VERSIONS)
def test_brought_forward_it_says_the_same(tmp_path, filled, version):
    wanted = known_to(version, everything(filled))
    store = older(tmp_path, filled, version)
    store.create()
    assert known_to(version, everything(store)) == wanted
    store.engine.dispose()


@pytest.mark.parametrize("version", VERSIONS)
def test_what_a_worker_of_an_older_version_writes_is_seen(tmp_path, filled, version):
    store = older(tmp_path, filled, version)
    search = store.study("toy/confirmation")
    assert [run.state for run in store.runs(search)] == [RunState.WAITING]
    with closing(sqlite3.connect(tmp_path / "studies.db")) as other, other:
        other.execute("UPDATE nas_run SET state = 'running', attempt = 1 WHERE study_id = ?", (search.study_id,))
    assert [run.state for run in store.runs(search)] == [RunState.RUNNING]
    assert "toy" in store.names()
    Store(f"sqlite:///{tmp_path}/studies.db").create()
    assert claim(store, search, "me", FOREVER) is not None
    assert [run.worker_id for run in store.runs(search)] == ["me"]
    store.engine.dispose()


def test_whoever_is_killed_half_way_can_be_read_and_brought_forward(tmp_path, filled):
    """MySQL leaves such tables: it commits each statement alone."""
    wanted = everything(filled)
    store = older(tmp_path, filled, "0004")
    with closing(sqlite3.connect(tmp_path / "studies.db")) as other, other:
        other.execute("ALTER TABLE nas_run RENAME COLUMN owner TO worker_id")
        other.execute("ALTER TABLE nas_path RENAME TO nas_kernel_choice")
        other.execute("ALTER TABLE nas_study ADD COLUMN parent_study_id INTEGER")
        other.execute("CREATE TABLE nas_epoch_0005 (run_id INTEGER)")
    assert everything(store) == wanted
    store.create()
    assert everything(store) == wanted
    store.engine.dispose()


def test_a_study_has_one_confirmation_at_most(store, study):
    fields = {
        "config": StudyConfig(name="one"),
        "space": {},
        "left_out": {},
        "refused": {},
        "facts": {},
        "files": "",
        "sites": [],
    }
    fields |= {"host_fingerprint": "", "data_fingerprint": "", "runs": [], "parent_study_id": study.study_id}
    first = insert_study(store, name="one", **fields)
    with pytest.raises(InputError, match="has a confirmation already"):
        insert_study(store, name="two", **fields)
    assert store.confirmation_of(study) == first
    assert store.search_of(first) == study
    assert store.names() == ["toy", "one"]

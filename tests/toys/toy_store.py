"""Studies whose runs train nothing."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

from lrlc_nas.choices import Plan
from lrlc_nas.config import StudyConfig
from lrlc_nas.facts import Role, RunState
from lrlc_nas.store import NewRun, SiteRecord, Store, StudyRecord, claim, finish, insert_study, set_trial, this_process

FOREVER = 3600.0
WAITING = NewRun(Role.SAMPLED, seed=7)


def make_store(folder: Path) -> Store:
    store = Store(f"sqlite:///{folder}/studies.db")
    store.create()
    return store


def add_study(
    store: Store, runs: list[NewRun], name: str = "toy", *, trials: bool = True, facts: dict[str, str] | None = None
) -> StudyRecord:
    study = insert_study(
        store,
        name=name,
        config=StudyConfig(name="toy"),
        space={"first": ("conv", "lrlc-2")},
        left_out={"first": {"lc": "too large"}},
        refused={"odd": "groups"},
        host_fingerprint="1" * 64,
        data_fingerprint="2" * 64,
        facts={"versions": {"torch": "3"}} | (facts or {}),
        files="/somewhere",
        sites=[SiteRecord("first", {"size": [3, 4]})],
        runs=runs,
    )
    if trials:
        tie(store, study)
    return study


def tie(store: Store, study: StudyRecord) -> None:
    """Give every run some trial; only runs that have one can be claimed."""
    for run in store.runs(study):
        set_trial(store, study, run.number, 100 * study.study_id + run.number)


def a_plan(number: int) -> Plan:
    return Plan.of({"first": f"lrlc-{number}"})


def claim_all(url: str, path: str, barrier: multiprocessing.synchronize.Barrier) -> None:
    """Claim and end runs until there are none, and write down which."""
    store = Store(url)
    study = store.study("toy")
    worker = this_process()
    barrier.wait(60)
    mine = []
    while (held := claim(store, study, worker, FOREVER)) is not None:
        mine.append(held.run.number)
        finish(store, held, RunState.COMPLETE, value=0.5, facts={})
    Path(path).write_text(" ".join(map(str, mine)))

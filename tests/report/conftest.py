"""Runs and studies for the report's tests."""

import json
from datetime import UTC, datetime

import pytest

from lrlc_nas.choices import Plan
from lrlc_nas.store import (
    EpochRecord,
    NewRun,
    RunRecord,
    SiteRecord,
    Store,
    StudyRecord,
    claim,
    finish,
    plan_run,
    record_epoch,
    set_trial,
)


CONFIG = {
    "name": "small",
    "seed": 7,
    "host": {"name": "paper-cnn", "options": {"channels": 16, "strides": [2, 1, 1]}},
    "data": {"name": "embedded", "size": None, "split": {"seed": 0, "search": 0.25}},
    "recipe": {"epochs": 2, "batch_size": 64, "optimizer": "sgd", "learning_rate": 1e-05},
    "space": {"sites": ["*"], "exclude": [], "choices": ["lrlc-2", "lc"]},
    "search": {"sampler": "tpe", "min_epochs": 1, "host_repeats": 2},
    "budget": {"trials": 8},
}
FACTS = {
    "versions": {"torch": "2.15.0"},
    "host": {"parameters": 12345, "macs": 2_345_678},
    "splits": {"train": 2100, "search": 1500, "confirm": 1500, "test": 900},
    "classes": [0, 1, 2],
}


@pytest.fixture
def new_run():
    """A function that makes the record of a run: tokens and what differs from a complete one."""

    def make(slot, tokens, value=None, **changes):
        fields = {
            "run_id": slot + 100,
            "slot": slot,
            "trial_id": None,
            "role": "single",
            "repeat": 0,
            "seed": slot,
            "plan": None if tokens is None else Plan.of(tokens),
            "parameters": 1000,
            "macs": 2000,
            "state": "complete",
            "reason": "",
            "value": value,
            "attempt": 1,
            "owner": "",
            "epoch": 1,
            "started": None,
            "finished": None,
            "facts": {},
        }
        return RunRecord(**fields | changes)

    return make


@pytest.fixture
def new_epochs():
    """A function that makes the epochs of a run from their accuracies."""

    def make(run, accuracies):
        return [
            EpochRecord(run.run_id, epoch, 1.0, 0.5, 1.0, accuracy, 0.1, 2.5, 900.0)
            for epoch, accuracy in enumerate(accuracies)
        ]

    return make


@pytest.fixture
def new_study():
    """A function that makes the record of a study; what is not given is nearly empty."""

    def make(**changes):
        fields = {
            "study_id": 1,
            "name": "small",
            "created": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            "trials": 8,
            "config": json.dumps(CONFIG),
            "space": {"conv1": ("conv", "lrlc-2", "lc"), "conv2": ("conv", "lrlc-2", "lc")},
            "left_out": {},
            "refused": {},
            "host_fingerprint": "",
            "data_fingerprint": "",
            "facts": FACTS,
            "files": "",
            "sites": (SiteRecord("conv1", {}), SiteRecord("conv2", {})),
        }
        return StudyRecord(**fields | changes)

    return make


@pytest.fixture
def new_store(tmp_path):
    """A function that makes a database with one study of eight runs, of which `finished` have ended."""
    opened = []

    def make(name="small", sites=("conv1", "conv2"), finished=8):
        store = Store(f"sqlite:///{tmp_path / 'report.db'}")
        opened.append(store)
        store.create()
        runs = [
            NewRun("host", seed, repeat=seed, plan=Plan(), parameters=1000, macs=2000) for seed in range(2)
        ]
        runs += [
            NewRun("single", 0, plan=Plan.of({site: token}), parameters=3000, macs=4000)
            for site in sites
            for token in ("lrlc-2", "lc")
        ]
        runs += [NewRun("sampled", 0), NewRun("sampled", 0)]
        study = store.add_study(
            name=name,
            config=json.dumps(CONFIG | {"name": name}),
            space=dict.fromkeys(sites, ("conv", "lrlc-2", "lc")),
            left_out={sites[0]: {"lrlc-8": "too large"}},
            refused={"shortcut": "grouped"},
            host_fingerprint="aa",
            data_fingerprint="bb",
            facts=FACTS,
            files="",
            sites=[SiteRecord(site, {"kernel_size": [3, 3]}) for site in sites],
            runs=runs,
        )
        for number in range(finished):
            train(store, study, sites, number)
        return store

    yield make
    for store in opened:
        store.engine.dispose()


def train(store, study, sites, number):
    """Claim a run and end it: the last but one is pruned, the last fails."""
    set_trial(store, study, number, number)
    held = claim(store, study, "worker", 60)
    if held.run.plan is None:
        plan = {sites[0]: "lc", sites[1]: ("lrlc-2", "lc")[number % 2]}
        plan_run(store, held, Plan.of(plan), 5000, 9000)
    accuracies = [0.5 + 0.01 * number, 0.7 + 0.01 * number]
    for epoch, accuracy in enumerate(accuracies):
        record_epoch(
            store, held, EpochRecord(held.run.run_id, epoch, 1.0, 0.5, 1.0, accuracy, 0.1, 2.5, 900.0)
        )
    state = {6: "pruned", 7: "failed"}.get(number, "complete")
    reason = "" if state == "complete" else f"was {state}"
    value = None if state == "failed" else accuracies[-1]
    finish(store, held, state, value=value, reason=reason, facts={"device": "cpu", "threads": 2})

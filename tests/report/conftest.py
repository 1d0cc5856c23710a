"""Runs and studies for the report's tests."""

import json
from datetime import UTC, datetime

import pytest
from toy_epochs import an_epoch

from lrlc_nas.choices import Plan
from lrlc_nas.config import ACCURACY, StudyConfig
from lrlc_nas.facts import Role, RunState
from lrlc_nas.store import (
    NewRun,
    RunRecord,
    SiteRecord,
    Store,
    StudyRecord,
    add_test_opening,
    claim,
    finish,
    insert_study,
    plan_run,
    record_epoch,
    record_results,
    set_trial,
)

CONFIG = {
    "name": "small",
    "seed": 7,
    "host": {"name": "paper-cnn", "options": {"channels": 16, "strides": [2, 1, 1]}},
    "data": {"name": "embedded", "size": None, "split": {"seed": 0, "search": 0.25}},
    "recipe": {"epochs": 2, "batch_size": 64, "optimizer": "sgd", "learning_rate": 1e-05},
    "space": {"sites": ["*"], "exclude": [], "choices": ["lrlc-2", "lc"]},
    "search": {"sampler": "tpe", "min_epochs": 1, "host_repeats": 2, "pruner": "successive-halving"},
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

    def make(number, tokens, value=None, **changes):
        fields = {
            "run_id": number + 100,
            "number": number,
            "trial_id": None,
            "role": Role.SINGLE,
            "repeat": 0,
            "seed": number,
            "plan": None if tokens is None else Plan.of(tokens),
            "parameters": 1000,
            "macs": 2000,
            "state": "complete",
            "reason": "",
            "value": value,
            "attempt": 1,
            "worker_id": "",
            "epoch": 1,
            "started": None,
            "finished": None,
            "facts": {},
        }
        fields |= changes
        fields["state"] = RunState(fields["state"])
        return RunRecord(**fields)

    return make


@pytest.fixture
def new_epochs():
    """A function that makes the epochs of a run from their accuracies."""

    def make(run, accuracies):
        return [an_epoch(epoch, accuracy) for epoch, accuracy in enumerate(accuracies)]

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
            "config": StudyConfig.from_json(json.dumps(CONFIG)),
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

    def make(name="small", sites=("conv1", "conv2"), finished=8, **metric):
        opened.append(searched(tmp_path / f"report{len(opened)}.db", name, sites, finished, **metric))
        return opened[-1]

    yield make
    for store in opened:
        store.engine.dispose()


@pytest.fixture
def confirm():
    """A function that adds a confirmation to such a study: see `confirmation`."""
    return confirmation


@pytest.fixture(scope="session")
def confirm_in():
    """A function that makes the confirmed study of another metric: see `confirmed`."""
    return confirmed


@pytest.fixture(scope="session")
def confirmed_store(tmp_path_factory):
    """The study with a confirmation of one gain and one loss, and two looks, one unfinished. For reading alone."""
    store = confirmed(tmp_path_factory.mktemp("confirmed") / "report.db")
    yield store
    store.engine.dispose()


def confirmed(path, metric=ACCURACY, score=float, smallest_effect=0.3):
    """The same of another metric, which `score` makes from accuracies."""
    store = searched(path, metric=metric, score=score)
    claims = {
        "conv1: lc": ({"conv1": "lc"}, {"wide": {"conv1": "wide-2"}, "coord": {"conv1": "coord"}}),
        "conv2: lc": ({"conv2": "lc"}, {}),
    }
    scores = {
        "{}": [70.0, 70.2, 69.9, 70.1],
        '{"conv1": "lc"}': [75.1, 75.0, 75.3, 75.2],
        '{"conv1": "wide-2"}': [71.0, 71.3, 71.2, 71.1],
        '{"conv1": "coord"}': [75.0, 75.4, 74.9, 75.2],
        '{"conv2": "lc"}': [60.0, 60.3, 60.1, 59.9],
    }
    looks = [None, {"host": {"1": 0.70, "2": 0.71}, "conv1: lc": {"1": 0.75, "2": 0.77}}]
    confirmation(store, claims, scores, looks, smallest_effect, score)
    return store


def searched(path, name="small", sites=("conv1", "conv2"), finished=8, metric=ACCURACY, score=float):
    """A database with one study of eight runs, of which `finished` have ended; `score` makes values from accuracies."""
    store = Store(f"sqlite:///{path}")
    store.create()
    runs = [NewRun(Role.HOST, seed, repeat=seed, plan=Plan(), parameters=1000, macs=2000) for seed in range(2)]
    runs += [
        NewRun(Role.SINGLE, 0, plan=Plan.of({site: token}), parameters=3000, macs=4000)
        for site in sites
        for token in ("lrlc-2", "lc")
    ]
    runs += [NewRun(Role.SAMPLED, 0), NewRun(Role.SAMPLED, 0)]
    study = insert_study(
        store,
        name=name,
        config=StudyConfig.from_json(json.dumps(CONFIG | {"name": name})),
        space=dict.fromkeys(sites, ("conv", "lrlc-2", "lc")),
        left_out={sites[0]: {"lrlc-8": "too large"}},
        refused={"shortcut": "grouped"},
        host_fingerprint="aa",
        data_fingerprint="bb",
        facts=FACTS | {"metric": metric.to_dict()},
        files="",
        sites=[SiteRecord(site, {"kernel_size": [3, 3]}) for site in sites],
        runs=runs,
    )
    for number in range(finished):
        train(store, study, sites, number, score)
    return store


def confirmation(store, claims, scores, looks=(), smallest_effect=0.3, score=float):
    """Add a confirmation to the study ``small``.

    Args:
        store: of the study.
        claims: label to the tokens of the plan and of its controls.
        scores: tokens of each arm as JSON, ``"{}"`` for the host, to its accuracies in points, seed by seed. Where
            one is None the run is left waiting.
        looks: the results of each opening of the test split; None for one that was never finished.
        smallest_effect: in the unit of the study's metric.
        score: makes values of the metric from accuracies, which are fractions.
    """
    section = {
        "of": "small",
        "claims": [{"label": label, "plan": plan, "controls": controls} for label, (plan, controls) in claims.items()],
        "family": 4,
        "smallest_effect": smallest_effect,
        "notes": ["a note"],
    }
    arms = [Plan.of(json.loads(tokens)) for tokens in scores]
    times = {
        plan.to_json(): {"seconds": 0.01 * number, "spread": 0.001, "batch": 64, "device": "a clock"}
        for number, plan in enumerate(arms, start=1)
    }
    study = insert_study(
        store,
        name="small/confirmation",
        config=StudyConfig.from_json(json.dumps(CONFIG | {"name": "small/confirmation", "confirmation": section})),
        space={"conv1": ("conv", "lrlc-2", "lc"), "conv2": ("conv", "lrlc-2", "lc")},
        left_out={},
        refused={},
        host_fingerprint="aa",
        data_fingerprint="bb",
        facts={**store.study("small").facts, "latencies": times},
        files="",
        sites=[SiteRecord(site, {}) for site in ("conv1", "conv2")],
        parent_study_id=store.study("small").study_id,
        runs=[
            NewRun(Role.CONFIRM, 1000 + seed, seed, plan, 1000 + 100 * number, 2000, stage=1)
            for seed in range(len(next(iter(scores.values()))))
            for number, plan in enumerate(arms)
        ],
    )
    for run in store.runs(study):
        value = scores_of(scores, run)
        if value is not None:
            end(store, study, run.number, score(value / 100))
    for results in looks:
        opening = add_test_opening(store, study, {"arms": {"host": {}}})
        if results:
            values = {arm: {seed: score(each) for seed, each in by_seed.items()} for arm, by_seed in results.items()}
            record_results(store, opening, {"values": values})


def scores_of(scores, run):
    return next(values for tokens, values in scores.items() if Plan.of(json.loads(tokens)) == run.plan)[run.repeat]


def end(store, study, number, value):
    set_trial(store, study, number, 100 + number)
    held = claim(store, study, "worker", 60)
    epoch = an_epoch(0, value, 1.5)
    record_epoch(store, held, epoch)
    finish(store, held, RunState.COMPLETE, value=value, reason="", facts={})


def train(store, study, sites, number, score=float):
    """Claim a run and end it: the last but one is pruned, the last fails."""
    set_trial(store, study, number, number)
    held = claim(store, study, "worker", 60)
    if held.run.plan is None:
        plan = {sites[0]: "lc", sites[1]: ("lrlc-2", "lc")[number % 2]}
        plan_run(store, held, Plan.of(plan), 5000, 9000)
    values = [score(0.5 + 0.01 * number), score(0.7 + 0.01 * number)]
    for epoch, value in enumerate(values):
        record_epoch(store, held, an_epoch(epoch, value))
    state = {6: "pruned", 7: "failed"}.get(number, "complete")
    reason = "" if state == "complete" else f"was {state}"
    value = None if state == "failed" else values[-1]
    finish(store, held, RunState(state), value=value, reason=reason, facts={"device": "cpu", "threads": 2})

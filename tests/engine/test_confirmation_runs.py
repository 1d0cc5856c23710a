import shutil
import weakref
from dataclasses import replace
from itertools import groupby

import optuna
import pytest
import toy_study

from lrlc_nas.choices import Plan
from lrlc_nas.engine import Prepared, add_seeds, open_study, open_test, resume_study, start_confirmation, start_study
from lrlc_nas.engine.confirmation_runs import fresh_seed
from lrlc_nas.engine.export import trained_weights
from lrlc_nas.engine.files import run_checkpoints
from lrlc_nas.errors import CheckpointError, InputError
from lrlc_nas.store import Store, sqlite_path
from lrlc_nas.store import test_openings as openings
from lrlc_nas.tasks import Latency

CLAIMS = {"second: lc": Plan.of({"second": "lc"}), "both": Plan.of({"first": "lrlc-2", "second": "lrlc-3"})}
CONFIRMATION = "toy/confirmation"


def begin(store, claims=CLAIMS, seeds=2):
    return start_confirmation(store, "toy", claims, seeds=seeds, smallest_effect=0.3)


def copy_of(origin, folder):
    shutil.copytree(sqlite_path(origin.url).parent, folder, dirs_exist_ok=True)
    return Store(f"sqlite:///{folder / 'studies.db'}")


@pytest.fixture
def searched(tmp_path, uninterrupted):
    """The toy study with all its runs ended."""
    store = copy_of(uninterrupted, tmp_path / "searched")
    yield store
    store.engine.dispose()


@pytest.fixture(scope="module")
def begun(tmp_path_factory, uninterrupted):
    """Its confirmation, not trained yet; a copy each, because the widths of controls are measured."""
    store = copy_of(uninterrupted, tmp_path_factory.mktemp("begun"))
    begin(store)
    store.engine.dispose()
    return store


@pytest.fixture(scope="module")
def confirmed(tmp_path_factory, begun):
    """The confirmation, trained by one worker without a break. For reading alone."""
    store = copy_of(begun, tmp_path_factory.mktemp("confirmed"))
    toy_study.work(store, CONFIRMATION)
    yield store
    store.engine.dispose()


def test_every_arm_is_trained_with_every_seed_and_no_seed_is_one_of_the_search(confirmed):
    runs = confirmed.runs(confirmed.study(CONFIRMATION))
    arms = open_study(confirmed, CONFIRMATION).prepared.config.confirmed.arms
    assert arms[0] == Plan()
    assert set(CLAIMS.values()) <= set(arms)
    assert len(arms) == len(set(arms)) > 6
    by_pair = {pair: list(group) for pair, group in groupby(runs, lambda run: run.repeat)}
    assert {pair: {run.plan for run in group} for pair, group in by_pair.items()} == {0: set(arms), 1: set(arms)}
    assert [len({run.seed for run in group}) for group in by_pair.values()] == [1, 1]
    searched_with = {run.seed for run in confirmed.runs(confirmed.study("toy"))}
    assert len({run.seed for run in runs} - searched_with) == 2
    assert {run.state for run in runs} == {"complete"}


def test_the_score_is_that_of_the_confirm_images(confirmed):
    study = open_study(confirmed, CONFIRMATION)
    assert study.prepared.split == "confirm"
    assert open_study(confirmed, "toy").prepared.split == "search"
    accuracies = {run.value for run in confirmed.runs(study.record)}
    assert all(round(accuracy * 6, 6).is_integer() for accuracy in accuracies)  # there are 6 of them


def test_the_search_is_left_as_it_was(confirmed, uninterrupted):
    assert toy_study.trace(confirmed) == toy_study.trace(uninterrupted)
    trials = {
        name: len(optuna.load_study(study_name=name, storage=str(confirmed.url)).trials)
        for name in ("toy", CONFIRMATION)
    }
    assert trials == {name: len(confirmed.runs(confirmed.study(name))) for name in trials}


def test_a_confirmation_stopped_again_and_again_is_the_uninterrupted_one(tmp_path, begun, confirmed):
    store = copy_of(begun, tmp_path / "interrupted")
    stops = 0
    while not store.is_done(store.study(CONFIRMATION)):
        asked = iter(range(10_000))
        toy_study.work(store, CONFIRMATION, should_stop=lambda asked=asked: next(asked) > 25)
        stops += 1
    assert stops > 3
    assert toy_study.trace(store, CONFIRMATION) == toy_study.trace(confirmed, CONFIRMATION)
    store.engine.dispose()


def test_seeds_are_added_as_a_stage_of_their_own(searched):
    begin(searched, {"second: lc": Plan.of({"second": "lc"})})
    with pytest.raises(InputError, match="has to end before seeds are added; 'lrlc-nas confirm toy' continues it"):
        add_seeds(searched, resume_study(searched, CONFIRMATION), 3)
    toy_study.work(searched, CONFIRMATION)
    before = toy_study.trace(searched, CONFIRMATION)
    with pytest.raises(InputError, match="--seeds is the total and can only be raised: there are 2; got 2"):
        add_seeds(searched, resume_study(searched, CONFIRMATION), 2)
    study = add_seeds(searched, resume_study(searched, CONFIRMATION), 3)
    runs = searched.runs(study.record)
    assert [run.stage for run in runs] == [1] * len(before) + [2] * (len(before) // 2)
    assert len({run.seed for run in runs}) == 3
    toy_study.work(searched, CONFIRMATION)
    assert toy_study.trace(searched, CONFIRMATION)[: len(before)] == before
    assert searched.is_done(study.record)


def test_the_width_of_a_choice_without_rank_is_measured_and_said(confirmed):
    section = open_study(confirmed, CONFIRMATION).prepared.config.confirmed
    (note,) = (note for note in section.notes if note.startswith("second: lc"))
    assert "equal parameters would be absurd" in note
    wide = next(claim for claim in section.claims if claim.label == "second: lc").controls["wide"]["second"]
    assert wide.removeprefix("wide-") in note
    latencies = confirmed.study(CONFIRMATION).facts["latencies"]
    assert latencies.keys() == {plan.to_json() for plan in section.arms}
    assert all(latency["seconds"] > 0 and latency["batch"] == 18 for latency in latencies.values())


def test_each_width_is_told_as_it_was_found(store, monkeypatch):
    # lc is the fastest network of all, coord as fast as wide-8; wide-4 cannot be built there.
    milliseconds = {"lc": 1, "wide-2": 2, "coord": 4, "wide-8": 4, "wide-16": 5}
    monkeypatch.setattr(
        Prepared,
        "latencies",
        lambda _, plans, device: {
            plan: Latency(milliseconds.get(plan.at("second").token, 9) / 1000, 0, 18, "a device") for plan in plans
        },
    )
    start_study(store, toy_study.config(space={"choices": ["coord", "lc"]}, budget={"trials": 8}))
    both = {f"second: {token}": Plan.of({"second": token}) for token in ("lc", "coord")}
    section = begin(store, both).prepared.config.confirmed
    coord, lc = (note for note in section.notes if "its wide and tied controls" in note)
    assert coord == (
        "second: coord has no rank; its wide and tied controls have rank 8, the largest of 2, 8, 16 whose "
        "training step is no slower (measured)"
    )
    assert lc.endswith(
        "have rank 2, the smallest of 2, 8, 16, though the training step of each of them is slower "
        "(measured: 2 ms against 1 ms)"
    )
    assert [claim.controls["wide"] for claim in section.claims] == [{"second": "wide-2"}, {"second": "wide-8"}]


def test_the_claims_that_are_tested_are_counted(confirmed):
    """Their data are fresh: what else the search had looked at does not count against them."""
    assert open_study(confirmed, CONFIRMATION).prepared.config.confirmed.family == 2


def test_seeds_of_the_search_are_never_drawn():
    for seed in (0, 2**30, 2**31 - 100_001):
        config = toy_study.config(seed=seed)
        drawn = {fresh_seed(config, pair) for pair in range(500)}
        assert len(drawn) == 500
        assert not drawn & set(range(seed, seed + 100_000))
        assert max(drawn) < 2**31


REFUSED = {
    "none": ({}, "there is nothing to confirm"),
    "host": ({"host": Plan()}, "claim 'host' is the untouched host"),
    "site": ({"x": Plan.of({"third": "lc"})}, "unknown site 'third'; the sites are first, second"),
    "choice": (
        {"x": Plan.of({"first": "lrlc-9"})},
        "claim 'x': lrlc-9 at first is not in the space of study 'toy', which has conv, lrlc-2, lrlc-3, lc there",
    ),
}


@pytest.mark.parametrize(("claims", "message"), REFUSED.values(), ids=REFUSED)
def test_a_claim_that_was_not_looked_at_is_refused_and_nothing_is_written(store, study, claims, message):
    before = sqlite_path(store.url).read_bytes()
    with pytest.raises(InputError, match=message):
        begin(store, claims)
    assert sqlite_path(store.url).read_bytes() == before
    assert store.confirmation_of(store.study("toy")) is None


def test_there_is_one_confirmation_of_a_study_and_none_of_it(confirmed):
    with pytest.raises(InputError, match="study 'toy' has a confirmation already"):
        begin(confirmed)
    with pytest.raises(InputError, match="study 'toy/confirmation' is a confirmation itself"):
        start_confirmation(confirmed, CONFIRMATION, CLAIMS, seeds=2, smallest_effect=0.3)
    with pytest.raises(InputError, match="'lrlc-nas confirm toy --seeds N' adds seeds to it"):
        resume_study(confirmed, CONFIRMATION, 500)


def test_the_test_images_are_opened_on_record_for_the_seeds_that_were_asked_for(tmp_path, confirmed):
    searched = copy_of(confirmed, tmp_path / "opened")
    study = open_study(searched, CONFIRMATION)
    arms = {"host": Plan(), "claim": CLAIMS["both"]}
    seeds = sorted({run.seed for run in searched.runs(study.record)})
    for wanted in (seeds, seeds[:1]):
        look = open_test(searched, study, arms, wanted)
        assert openings(searched, study.record)[-1] == look
        assert look.values.keys() == arms.keys()
        for accuracies in look.values.values():
            assert accuracies.keys() == set(map(str, wanted))
            assert all(0 <= accuracy <= 1 for accuracy in accuracies.values())


def test_damaged_weights_keep_the_test_images_sealed_and_whole_ones_are_held_one_at_a_time(
    tmp_path, confirmed, monkeypatch
):
    class State(dict):
        """A dict that can be referred to weakly."""

    held = []

    def watched(*args):
        assert not [state for state in held if state() is not None]
        state = State(trained_weights(*args))
        held.append(weakref.ref(state))
        return state

    monkeypatch.setattr("lrlc_nas.engine.test_split.trained_weights", watched)
    searched = copy_of(confirmed, tmp_path / "opened")
    study = open_study(searched, CONFIRMATION)
    seeds = {run.seed for run in searched.runs(study.record)}
    arms = {"host": Plan(), "claim": CLAIMS["both"]}
    open_test(searched, study, arms, seeds)
    assert len(held) == 2 * 2 * len(seeds)  # each is read to be verified, and to be used
    last = [run for run in searched.runs(study.record) if run.plan == CLAIMS["both"]][-1]
    run_checkpoints(searched, study.record, last).newest_path().write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match=f"run {last.number}: no usable checkpoint"):
        open_test(searched, study, arms, seeds)
    assert len(openings(searched, study.record)) == 1


def test_an_arm_without_a_run_keeps_the_test_images_sealed(confirmed):
    study = open_study(confirmed, CONFIRMATION)
    seeds = {run.seed for run in confirmed.runs(study.record)}
    with pytest.raises(InputError, match="x: no completed run to test"):
        open_test(confirmed, study, {"x": Plan.of({"first": "lrlc-3"})}, seeds)
    assert openings(confirmed, replace(study.record)) == []

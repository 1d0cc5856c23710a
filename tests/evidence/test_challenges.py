"""Does a gain last: what a challenge concludes, from made-up studies whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest
from test_conclusion import GAIN, make_runs, make_study

from lrlc_nas.config import ConfirmationSection, StudyConfig
from lrlc_nas.evidence.challenge import Trained, challenged, judge_challenges, seeds_for_challenge
from lrlc_nas.evidence.conclusion import conclude
from lrlc_nas.facts import SEARCH_VALUE
from lrlc_nas.runs import EpochResult

MEANS = {"host": 84.0, "conv3=lc": 86.0, "conv3=wide-4": 84.5, "conv3=coord": 84.1}
CLAIM = GAIN.model_copy(update={"controls": {"wide-4": {"conv3": "wide-4"}}})


def confirmation(seed=0, sd=0.5, seeds=8):
    study = make_study(claims=(GAIN,), family=1)
    return conclude(study, noisy(make_runs(study, seeds, sd=0.0, means=MEANS), seed, sd))


def noisy(runs, seed, sd):
    noise = np.random.default_rng(seed)
    return [replace(run, value=run.value + noise.normal(0, sd) / 100) if run.value else run for run in runs]


def trained(circumstance, means, *, variant="", seeds=6, sd=0.5, seed=1, first_run=1000, by_search=None, states=None):
    section = ConfirmationSection(
        of="toy", claims=(CLAIM,), family=1, together=True, circumstance=circumstance, variant=variant
    )
    study = replace(
        make_study(claims=(CLAIM,)),
        config=StudyConfig(name=f"toy/{circumstance}/{variant}", confirmation=section),
        circumstance=circumstance,
        facts={"circumstance": f"{circumstance} in words"},
    )
    runs = noisy(make_runs(study, seeds, sd=0.0, means=MEANS | means, states=states), seed, sd)
    runs = [replace(run, run_id=run.run_id + first_run) for run in runs]
    if by_search:
        runs = [replace(run, facts={SEARCH_VALUE: by_search[str(run.plan)]}) for run in runs]
    curves = {
        run.run_id: [EpochResult(epoch, run.value - 0.02 * (2 - epoch), 1.0) for epoch in range(3)]
        for run in runs
        if run.value is not None
    }
    return Trained(study, runs, curves, {})


def findings(result):
    return [row.finding for row in result.rows]


def test_a_gain_that_is_there_everywhere_lasts():
    (result,) = judge_challenges(confirmation(), [trained("longer", {}), trained("fewer", {}, seed=2, first_run=2000)])
    assert (findings(result), result.outcome) == (["holds", "holds"], "lasts")
    assert "lasts" in result.text
    assert "longer in words: holds" in result.text
    assert result.rows[0].control[0] == "wide-4"


@pytest.mark.parametrize(("mean", "finding"), [(84.0, "gone"), (80.0, "reversed")])
def test_one_circumstance_without_it_bounds_the_claim(mean, finding):
    tried = [trained("longer", {"conv3=lc": mean}, sd=0.2), trained("fewer", {}, seed=2, first_run=2000)]
    (result,) = judge_challenges(confirmation(), tried)
    assert findings(result) == [finding, "holds"]
    assert result.outcome == {"gone": "at this recipe only", "reversed": "reversed"}[finding]
    assert "fewer" not in result.text, "what bounds it is told"


def test_what_cannot_be_told_stays_open():
    (result,) = judge_challenges(confirmation(), [trained("longer", {"conv3=lc": 85.2}, sd=2.0, seeds=3)])
    assert (findings(result), result.outcome) == (["open"], "undecided")


def test_while_its_runs_are_under_way_it_is_open_and_says_so():
    waiting = trained("longer", {}, states={("conv3=lc", 2): "waiting", ("host", 0): "running"})
    (result,) = judge_challenges(confirmation(), [waiting])
    assert (findings(result), result.rows[0].reason) == (["open"], "2 runs to go")


def test_a_claim_that_diverges_elsewhere_does_not_last():
    lost = trained("longer", {}, states={("conv3=lc", pair): "pruned" for pair in (0, 1, 2)})
    (result,) = judge_challenges(confirmation(), [lost])
    assert findings(result) == ["open"]


def test_each_arm_counts_with_the_variant_that_is_best_for_it_on_the_search_split():
    low = {"host": 0.80, "conv3=lc": 0.85, "conv3=wide-4": 0.80}
    high = {"host": 0.84, "conv3=lc": 0.82, "conv3=wide-4": 0.81}
    slow = trained("rate", {"host": 81.0, "conv3=lc": 86.0}, variant="rate 0.1", by_search=low, sd=0.2)
    fast = trained("rate", {"host": 86.0, "conv3=lc": 80.0}, variant="rate 0.4", by_search=high, sd=0.2, first_run=2000)
    (result,) = judge_challenges(confirmation(), [slow, fast])
    assert result.rows[0].variants == {"host": "rate 0.4", "conv3: lc": "rate 0.1"}
    assert result.rows[0].comparison.difference == pytest.approx(0.0, abs=0.7)
    assert result.rows[0].finding == "gone"


def test_it_tells_after_how_many_epochs_the_score_of_the_host_is_reached():
    tried = [trained("longer", {"conv3=lc": 87.0}, sd=0.0), trained("less", {"conv3=lc": 80.0}, sd=0.0, first_run=2000)]
    (result,) = judge_challenges(confirmation(), tried)
    assert [row.epochs_to_host for row in result.rows] == [(2.0, 3.0), (None, 3.0)]


def test_a_verdict_says_at_this_recipe_until_it_was_challenged():
    before = confirmation()
    after = challenged(before, judge_challenges(before, [trained("longer", {})]))
    assert "helps at this recipe" in before.results[0].verdict.text
    assert "at this recipe" not in after.results[0].verdict.text
    assert after.results[0].verdict.text.endswith("challenged: lasts (longer in words: holds).")


def test_the_seeds_grow_with_the_spread_and_have_a_cap():
    few, many = (seeds_for_challenge(confirmation(sd=sd)) for sd in (0.1, 1.0))
    assert 3 <= few < many <= 10


@pytest.mark.parametrize(("mean", "outcome"), [(86.0, "lasts"), (84.0, "at this recipe only")])
def test_four_of_five_challenges_with_the_seeds_that_are_proposed_are_right(mean, outcome):
    right = []
    for seed in range(60):
        found = confirmation(seed=10 * seed)
        if not found.confirmed:
            continue
        seeds = seeds_for_challenge(found)
        (result,) = judge_challenges(found, [trained("longer", {"conv3=lc": mean}, seeds=seeds, seed=10 * seed + 1)])
        right.append(result.outcome == outcome)
    assert len(right) > 50
    assert np.mean(right) > 0.8 - 4 * np.sqrt(0.8 * 0.2 / len(right))

"""What a confirmation concludes, its claims and its cards, from records alone."""

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lrlc_nas.choices import Plan
from lrlc_nas.config import ClaimSection, ConfirmationSection, StudyConfig
from lrlc_nas.errors import InputError
from lrlc_nas.evidence.comparison import compare
from lrlc_nas.evidence.conclusion import conclude
from lrlc_nas.facts import EndCause, Role, RunState
from lrlc_nas.report.cards import claim_cards
from lrlc_nas.store import RunRecord, SiteRecord, StudyRecord
from lrlc_nas.store import TestOpening as Opening

START = datetime(2026, 1, 1, tzinfo=UTC)
GAIN = ClaimSection(
    label="conv3: lc", plan={"conv3": "lc"}, controls={"wide": {"conv3": "wide-4"}, "coord": {"conv3": "coord"}}
)
NOTHING = ClaimSection(label="conv2: lrlc-2", plan={"conv2": "lrlc-2"}, controls={"lc": {"conv2": "lc"}})
MEANS = {
    "host": 84.0,
    "conv3=lc": 87.0,
    "conv3=wide-4": 84.1,
    "conv3=coord": 86.9,
    "conv2=lrlc-2": 84.0,
    "conv2=lc": 84.0,
}


def make_study(claims=(GAIN, NOTHING), family=9, notes=(), name="toy/confirmation", together=True):
    section = ConfirmationSection(of="toy", claims=claims, family=family, notes=notes, together=together)
    config = StudyConfig(name=name, confirmation=section)
    return StudyRecord(
        study_id=2,
        name=name,
        created=START,
        trials=0,
        config=config,
        space={},
        left_out={},
        refused={},
        host_fingerprint="h" * 64,
        data_fingerprint="d" * 64,
        facts={
            "splits": {"train": 10, "search": 2, "confirm": 2, "test": 2},
            "versions": {"torch": "2.14.0", "lrlc_nas": "0.1.0"},
            "recipe_digest": "r" * 64,
            "split_digest": "s" * 64,
            "latencies": {
                Plan().to_json(): {"seconds": 0.1, "spread": 0.01, "batch": 8, "device": "CPU, 1 threads"},
                Plan.of({"conv3": "lc"}).to_json(): {
                    "seconds": 0.2,
                    "spread": 0.01,
                    "batch": 8,
                    "device": "CPU, 1 threads",
                },
            },
        },
        files="/somewhere",
        sites=(SiteRecord("conv3", {"in_channels": 4, "out_channels": 5, "output_size": [6, 7]}),),
    )


def make_runs(study, seeds=6, *, stages=None, sd=0.2, means=MEANS, states=None):
    noise = random.Random(0)
    arms = study.config.confirmed.arms
    runs = []
    for pair in range(seeds):
        stage = 1 + sum(pair >= size for size in (stages or [seeds])[:-1])
        for plan in arms:
            state = (states or {}).get((str(plan), pair), "complete")
            value = means[str(plan)] + noise.gauss(0, sd)
            ended = state in ("complete", "failed", "pruned")
            runs.append(
                RunRecord(
                    run_id=len(runs),
                    number=len(runs),
                    trial_id=len(runs),
                    role=Role.CONFIRM,
                    repeat=pair,
                    seed=1000 + pair,
                    plan=plan,
                    parameters=100 if plan == Plan() else 300,
                    macs=1000,
                    state=RunState(state),
                    reason="",
                    value=value / 100 if state == "complete" else None,
                    attempt=1,
                    worker_id="",
                    epoch=1,
                    started=START,
                    finished=START + timedelta(seconds=36) if ended else None,
                    facts={},
                    stage=stage,
                )
            )
    return runs


def outcomes(conclusion):
    return {result.label: result.verdict and result.verdict.outcome for result in conclusion.results}


class TestConclusion:
    def test_a_gain_is_confirmed_and_names_the_controls_it_beats(self):
        study = make_study()
        conclusion = conclude(study, make_runs(study))
        assert outcomes(conclusion)["conv3: lc"] == "helps"
        assert outcomes(conclusion)["conv2: lrlc-2"] != "helps"
        (result,) = conclusion.confirmed
        assert result.verdict.beats == ("wide-4",)
        assert result.verdict.not_beaten == ("coord",)
        assert "it beats wide-4" in result.verdict.text
        assert conclusion.looks == 1
        assert conclusion.seeds == tuple(range(1000, 1006))

    def test_it_is_the_comparison_of_the_recorded_scores(self):
        study = make_study()
        runs = make_runs(study)
        result = conclude(study, runs).results[0]
        scores = {
            str(plan): [100 * run.value for run in runs if run.plan == plan] for plan in {run.plan for run in runs}
        }
        expected = compare(scores["conv3=lc"], scores["host"], confidence=1 - 0.04 / 9)
        assert result.verdict.comparison == expected
        assert result.against["coord"] == compare(scores["conv3=lc"], scores["conv3=coord"], confidence=1 - 0.04 / 2)

    def test_a_stage_counts_when_all_of_it_has_ended(self):
        study = make_study()
        whole = make_runs(study, 6, stages=[3, 6])
        assert conclude(study, whole).looks == 2
        half = make_runs(study, 6, stages=[3, 6], states={("conv3=lc", 5): "running"})
        conclusion = conclude(study, half)
        assert (conclusion.looks, len(conclusion.seeds), conclusion.open_runs) == (1, 3, 1)
        assert conclusion.results[0].verdict == conclude(study, half[:18]).results[0].verdict

    def test_while_the_first_stage_runs_there_is_no_verdict(self):
        study = make_study()
        conclusion = conclude(study, make_runs(study, 2, states={("host", 0): "waiting"}))
        assert conclusion.looks == 0
        assert {result.reason for result in conclusion.results} == {"no stage has ended yet"}
        assert conclusion.confirmed == ()

    def test_a_stage_without_a_pair_has_ended_all_the_same(self):
        study = make_study()
        states = {("host", 0): "failed"} | {(plan, 1): "failed" for plan in ("conv3=lc", "conv2=lrlc-2")}
        conclusion = conclude(study, make_runs(study, 2, states=states))
        assert (conclusion.looks, conclusion.open_runs) == (0, 0)
        reasons = {result.reason for result in conclusion.results}
        assert reasons == {"no seed completed in the host and a claim"}

    def test_each_comparison_pairs_its_own_two_arms(self):
        study = make_study()
        runs = make_runs(study, 6, states={("conv3=coord", 2): "failed", ("conv2=lrlc-2", 4): "failed"})
        first, second = conclude(study, runs).results
        assert (first.verdict.comparison.n, first.against["wide-4"].n, first.against["coord"].n) == (6, 6, 5)
        assert (second.verdict.comparison.n, len(second.scores), len(second.differences["lc"])) == (5, 5, 5)
        assert first.verdict == conclude(study, make_runs(study, 6)).results[0].verdict

    def test_an_older_confirmation_counts_the_pairs_that_are_whole_in_every_arm(self):
        study = make_study(together=False)
        conclusion = conclude(study, make_runs(study, 6, states={("conv3=coord", 2): "failed"}))
        assert conclusion.seeds == (1000, 1001, 1003, 1004, 1005)
        assert {result.verdict.comparison.n for result in conclusion.results} == {5}
        assert {result.verdict.comparison.confidence for result in conclusion.results} == {0.96}

    @pytest.mark.parametrize("lost", [4, 5, 6])
    def test_a_control_that_diverges_takes_no_verdict_with_it(self, lost):
        study = make_study(claims=(GAIN, NOTHING), family=2)
        means = MEANS | {"conv2=lrlc-2": 86.0}
        diverged = {("conv3=coord", pair): "pruned" for pair in range(lost)}
        found = conclude(study, make_runs(study, 6, means=means, states=diverged))
        assert outcomes(found) == {"conv3: lc": "helps", "conv2: lrlc-2": "helps"}
        assert found.results[0].verdict.beats == ("wide-4",)
        assert f"not compared with coord: {lost} of 6 runs did not complete" in found.results[0].verdict.text
        more = diverged | {("conv3=coord", pair): "pruned" for pair in range(7, 10)}
        extended = make_runs(study, 10, means=means, states=more, stages=[6, 10])
        assert outcomes(conclude(study, extended)) == outcomes(found)

    def test_what_was_decided_before_runs_were_lost_stays(self):
        study = make_study(claims=(GAIN,), family=1)
        lost = {("conv3=lc", pair): "pruned" for pair in range(6, 9)}
        (result,) = conclude(study, make_runs(study, 10, states=lost, stages=[6, 10])).results
        assert (result.verdict.outcome, result.verdict.look, result.verdict.doubt) == ("helps", 1, "")

    def test_a_claim_that_never_ended_well_has_no_verdict(self):
        study = make_study()
        failed = {("conv3=lc", pair): "failed" for pair in range(4)}
        conclusion = conclude(study, make_runs(study, 4, states=failed))
        assert conclusion.results[0].verdict is None
        assert conclusion.results[0].reason == "no run of it was completed"
        assert conclusion.results[1].verdict is not None

    def test_the_runs_that_an_arm_has_lost_are_told(self):
        study = make_study(notes=("before",))
        states = {("conv3=lc", 1): "pruned", ("conv3=lc", 3): "pruned", ("host", 4): "failed"}
        runs = make_runs(study, 6, states=states)
        runs = [replace(run, cause=EndCause.DIVERGED) if run.state == "pruned" else run for run in runs]
        assert conclude(study, runs).notes == (
            "before",
            "the host: 1 of 6 runs did not complete (1 failed)",
            "conv3=lc: 2 of 6 runs did not complete (2 diverged)",
        )
        assert conclude(study, make_runs(study)).notes == ("before",)

    def test_the_survivors_of_a_claim_that_diverges_do_not_speak_for_it(self):
        study = make_study(claims=(GAIN,), family=1)
        states = {("conv3=lc", pair): "pruned" for pair in (0, 2, 5)}
        (result,) = conclude(study, make_runs(study, 8, states=states)).results
        assert result.verdict.comparison.low > 1
        assert (result.verdict.outcome, result.verdict.look, result.verdict.more) == ("undecided", 0, None)
        assert (result.verdict.beats, result.verdict.not_beaten) == ((), ())
        assert result.verdict.text.endswith(
            "; 3 of its 8 runs did not complete, but none of the host's, so the others may favour it."
        )
        assert conclude(study, make_runs(study, 8, states=states)).confirmed == ()

    def test_nor_do_they_make_it_equivalent(self):
        study = make_study(claims=(NOTHING,), family=1)
        settled = make_runs(study, 8, sd=0.02)
        assert outcomes(conclude(study, settled)) == {"conv2: lrlc-2": "equivalent"}
        lossy = make_runs(study, 8, sd=0.02, states={("conv2=lrlc-2", 0): "failed"})
        assert outcomes(conclude(study, lossy)) == {"conv2: lrlc-2": "undecided"}

    def test_a_claim_that_hurts_says_so_whatever_it_has_lost(self):
        study = make_study(claims=(GAIN,), family=1)
        runs = make_runs(study, 8, means=MEANS | {"conv3=lc": 80.0}, states={("conv3=lc", 0): "failed"})
        assert outcomes(conclude(study, runs)) == {"conv3: lc": "hurts"}

    def test_a_claim_that_lost_no_more_than_the_host_is_judged(self):
        study = make_study(claims=(GAIN,), family=1)
        states = {("conv3=lc", 0): "failed", ("host", 1): "failed", ("conv3=coord", 2): "failed"}
        (result,) = conclude(study, make_runs(study, 8, states=states)).results
        assert (result.verdict.outcome, result.verdict.doubt) == ("helps", "")

    @pytest.mark.parametrize("everything", ["host", "all"])
    def test_without_a_host_nothing_is_concluded(self, everything):
        study = make_study()
        plans = MEANS if everything == "all" else ["host"]
        failed = {(plan, pair): "failed" for plan in plans for pair in range(3)}
        conclusion = conclude(study, make_runs(study, 3, states=failed))
        assert {result.reason for result in conclusion.results} == {"no run of the host was completed"}

    def test_the_family_is_all_that_was_looked_at(self):
        small, large = make_study(family=2), make_study(family=200)
        by_family = [conclude(study, make_runs(study)).results[0].verdict for study in (small, large)]
        assert by_family[0].adjusted_p < by_family[1].adjusted_p

    def test_an_undecided_claim_says_what_would_settle_it_in_hours(self):
        study = make_study()
        verdict = conclude(study, make_runs(study, 3)).results[1].verdict
        assert verdict.outcome == "undecided"
        # 36 seconds for each run of 6 arms.
        assert verdict.more.hours == pytest.approx(verdict.more.seeds * 6 * 36 / 3600)

    def test_a_search_is_not_a_confirmation(self):
        study = make_study()
        record = StudyRecord(**{**vars(study), "config": StudyConfig(name="toy")})
        with pytest.raises(InputError, match="study 'toy' is not a confirmation"):
            conclude(record, [])


class TestCards:
    @pytest.fixture
    def cards(self):
        study = make_study(notes=("a note",))
        runs = make_runs(study)
        look = Opening(
            opening_id=1,
            opened=START,
            subject={},
            results={"accuracies": {"host": {"1000": 0.8, "1001": 0.81}, "conv3: lc": {"1000": 0.83, "1001": 0.82}}},
        )
        return claim_cards(make_study(name="toy"), study, runs, conclude(study, runs), [look])

    def test_all_that_a_claim_rests_on_is_on_its_card(self, cards):
        facts = json.loads(json.dumps(cards[0].facts))
        assert facts["verdict"] == "helps"
        assert facts["sites"] == [
            {"site": "conv3", "choice": "lc", "in_channels": 4, "out_channels": 5, "output_size": [6, 7]}
        ]
        assert facts["effect"]["n"] == len(facts["scores"]) == len(facts["host_scores"]) == 6
        assert facts["effect"]["difference"] == pytest.approx(sum(facts["scores"]) / 6 - sum(facts["host_scores"]) / 6)
        assert facts["family"] == 9
        assert facts["controls"]["wide-4"]["beaten"]
        assert not facts["controls"]["coord"]["beaten"]
        assert facts["costs"]["claim"]["parameters"] == 300
        assert facts["costs"]["claim"]["training_step"]["seconds"] == 0.2
        assert facts["looks_at_the_test_split"] == 1
        assert facts["test"]["difference"]["difference"] == pytest.approx(2.0)
        assert facts["recipe_digest"] == "r" * 64
        assert facts["notes"] == ["a note"]
        assert facts["command"] == "lrlc-nas confirm toy --plan conv3=lc --seeds 6 --smallest-effect 0.3"

    def test_the_card_for_people_says_the_same(self, cards):
        text = cards[0].markdown
        for said in (
            "**helps.**",
            "parameters: 300, 3.00 times the host's 100",
            "2.00 times the host's, measured on CPU, 1 threads",
            "| `wide-4` |",
            "the test split has been opened 1 times",
            "lrlc-nas confirm toy",
        ):
            assert said in text

    def test_it_is_written_for_people(self, cards):
        text = cards[0].markdown
        assert "- site `conv3` as `lc` (in channels 4, out channels 5, output size 6 x 7)" in text
        assert "- splits: train 10, search 2, confirm 2, test 2; split digest `ssss" in text
        assert "- versions: torch 2.14.0, lrlc_nas 0.1.0" in text
        assert not set("{}[]") & set(text)

    def test_what_was_not_recorded_is_called_so(self):
        study, search = make_study(), replace(make_study(name="toy"), facts={})
        runs = make_runs(study)
        text = claim_cards(search, study, runs, conclude(study, runs), [])[0].markdown
        assert "- splits: not recorded; split digest `not recorded`" in text
        assert "None" not in text

    def test_its_command_asks_for_all_seeds_even_if_some_were_lost(self):
        study = make_study()
        runs = make_runs(study, 6, states={("conv3=lc", 2): "failed"})
        conclusion = conclude(study, runs)
        card, *_ = claim_cards(make_study(name="toy"), study, runs, conclusion, [])
        assert "--plan conv3=lc --seeds 6 --smallest-effect 0.3" in card.facts["command"]

    def test_a_p_value_of_an_earlier_look_says_so(self):
        study = make_study()
        runs = make_runs(study, 12, stages=[6, 12])
        helps, _ = claim_cards(make_study(name="toy"), study, runs, conclude(study, runs), [])
        assert (helps.facts["decided_at_look"], helps.facts["looks_at_the_confirm_split"]) == (1, 2)
        assert "(at look 1 of 2, which decided)" in helps.markdown
        assert "this was decided at look 1 of 2, with 6 seeds (adjusted p " in helps.markdown

    def test_a_claim_without_a_verdict_has_a_card_too(self):
        study = make_study()
        runs = make_runs(study, 2, states={("host", 0): "waiting"})
        cards = claim_cards(make_study(name="toy"), study, runs, conclude(study, runs), [])
        assert [card.facts["verdict"] for card in cards] == ["none yet", "none yet"]
        assert all("no stage has ended yet" in card.markdown for card in cards)
        json.dumps([card.facts for card in cards])

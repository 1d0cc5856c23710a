"""Which claims a search is worth a confirmation of, and how claims are named."""

from dataclasses import replace

import pytest
from test_conclusion import make_runs, make_study

from lrlc_nas.choices import Plan
from lrlc_nas.errors import InputError
from lrlc_nas.evidence.claims import MOST_CELLS, claims_worth_testing, named_claims, shrunken
from lrlc_nas.evidence.effects import Effect, HostSummary, Screening


def effect(choice, estimate, low=None, site="conv1"):
    return Effect(site, choice, estimate, low, None if low is None else 2 * estimate - low, 3)


def screening(*effects, best=None, sd=0.1):
    return Screening(
        effects=effects,
        host=HostSummary(2, 80.0, 0.1),
        residual_sd=sd,
        runs_used=9,
        runs_pruned_used=0,
        runs_pruned=0,
        degrees_of_freedom=4,
        best=best,
        caveats=(),
        contexts=(),
        interactions=(),
    )


class TestClaims:
    def test_the_best_cells_by_what_is_to_be_expected_of_them(self):
        found = claims_worth_testing(
            make_study(),
            screening(
                effect("lrlc-2", 3.0, -1.0),
                effect("lrlc-4", 1.0, 0.5),
                effect("lc", 2.0, 0.2),
                effect("lrlc-8", 1.5, 0.1),
                effect("wide-2", 9.0, 8.0),
                effect("lrlc-1", 9.0, 8.0),
                effect("lrlc-1-full", 9.0, 8.0),
                effect("lrlc-3", -1.0, -2.0),
                effect("lrlc-5", None),
            ),
        )
        assert list(found) == ["conv1: lrlc-2", "conv1: lc", "conv1: lrlc-8"]
        assert len(found) == MOST_CELLS

    def test_what_chance_spreads_is_no_claim(self):
        noise = screening(effect("lrlc-2", 1.0, -2.0), effect("lrlc-4", -1.1, -4.0), effect("lc", 0.4, -2.5), sd=2.0)
        assert set(shrunken(noise).values()) == {0.0}
        with pytest.raises(InputError, match="nothing to confirm"):
            claims_worth_testing(make_study(), noise)

    def test_what_is_too_small_to_matter_is_no_claim(self):
        found = screening(effect("lrlc-2", 1.0, 0.9), effect("lc", 0.2, 0.1))
        assert list(claims_worth_testing(make_study(), found, 0.3)) == ["conv1: lrlc-2"]
        assert shrunken(found)["conv1", "lrlc-2"] == pytest.approx(1.0, abs=0.03)

    def test_the_best_plan_is_a_claim_unless_it_is_one_of_the_cells(self):
        study = make_study()
        run = make_runs(study)[1]
        assert run.plan == Plan.of({"conv3": "lc"})
        cell = effect("lc", 1.0, 0.5, site="conv3")
        assert list(claims_worth_testing(study, screening(cell, best=run))) == ["conv3: lc"]
        other = claims_worth_testing(study, screening(effect("lc", 1.0), best=run))
        assert other == {"conv1: lc": Plan.of({"conv1": "lc"}), "best plan": run.plan}

    def test_a_best_plan_of_controls_alone_is_no_claim(self):
        study = make_study()
        run = replace(make_runs(study)[0], plan=Plan.of({"conv2": "lrlc-1", "conv3": "coord"}))
        assert list(claims_worth_testing(study, screening(effect("lc", 1.0), best=run))) == ["conv1: lc"]

    def test_nothing_to_confirm_is_said(self):
        with pytest.raises(InputError, match="to confirm: its 9 complete runs show no gain over conv that chance"):
            claims_worth_testing(make_study(), screening(effect("lc", -1.0)))

    def test_claims_are_named_by_cells_and_plans(self):
        found = named_claims(["a", "b"], ["lc"], ["a=lrlc-2, b=lc"])
        assert found == {
            "a: lc": Plan.of({"a": "lc"}),
            "b: lc": Plan.of({"b": "lc"}),
            "plan a=lrlc-2, b=lc": Plan.of({"a": "lrlc-2", "b": "lc"}),
        }

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            ((["a"], [], []), "--site and --choice go together"),
            (([], ["lc"], []), "--site and --choice go together"),
            (([], [], ["a"]), "--plan 'a': required is SITE=CHOICE,SITE=CHOICE"),
            (([], [], ["a=lc,"]), "--plan 'a=lc,': required is"),
            ((["a"], ["best"], []), "unknown choice 'best'"),
            (([], [], ["a=best"]), "site 'a': unknown choice 'best'"),
        ],
    )
    def test_what_is_no_claim_is_refused(self, words, message):
        with pytest.raises(InputError, match=message):
            named_claims(*words)

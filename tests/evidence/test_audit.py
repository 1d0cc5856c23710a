"""The audit counts what pruning would have lost."""

import json
from dataclasses import replace

import pytest
from scipy import stats

from lrlc_nas.choices import Plan
from lrlc_nas.config import StudyConfig
from lrlc_nas.evidence import audit
from lrlc_nas.search.pruning import AUDIT
from tests.rates.screening_simulation import Setting, simulate_search

MADE = simulate_search(Setting(trials=60, audit=0.4), 2)


def study(**search):
    config = {
        "name": "audited",
        "recipe": {"epochs": 6},
        "search": {"min_epochs": 2, "pruner": "successive-halving"} | search,
    }
    return replace(MADE.study, config=StudyConfig.from_json(json.dumps(config)))


def test_it_counts_by_hand():
    found = audit(study(), MADE.runs, MADE.epochs)
    ends = sorted(run.value for run in MADE.runs if run.state == "complete")
    audited = [run for run in MADE.runs if AUDIT in run.facts]
    lost = [run for run in audited if run.facts[AUDIT]]
    total = found.rows[0]
    assert (total.choice, total.audited, total.would_end) == ("", len(audited), len(lost))
    # The upper quartile lies between the two runs around it, so that a quarter of the runs is above it.
    assert total.wrongly == sum(run.value in ends[-(len(ends) // 4) :] for run in lost)
    assert total.never_pruned == 12 + len(audited)
    assert f"{len(audited)} sampled runs went on for the audit" in found.sentence


@pytest.mark.parametrize("token", ["lrlc-2", "lrlc-4", "lc"])
def test_each_choice_has_its_rank_correlation(token):
    found = {row.choice: row for row in audit(study(), MADE.runs, MADE.epochs).rows}
    kept = [run for run in MADE.runs if token in run.plan.tokens.values()]
    kept = [run for run in kept if AUDIT in run.facts or run.role != "sampled"]
    early = [MADE.epochs[run.run_id][1].value for run in kept]
    expected = stats.kendalltau(early, [run.value for run in kept]).statistic
    assert found[token].rank_correlation == pytest.approx(expected)
    assert found[token].never_pruned == len(kept)


def test_a_wrong_verdict_on_the_best_run_is_counted():
    runs = [replace(run, facts={}, role="sampled") for run in MADE.runs]
    best = max((run for run in runs if run.state == "complete"), key=lambda run: run.value)
    runs[best.number] = replace(best, facts={AUDIT: 2})
    total = audit(study(), runs, MADE.epochs).rows[0]
    assert (total.audited, total.would_end, total.wrongly, total.never_pruned) == (1, 1, 1, 1)
    assert total.rank_correlation is None


@pytest.mark.parametrize("search", [{"pruner": "none"}, {"min_epochs": 6}])
def test_where_nothing_is_pruned_there_is_no_audit(search):
    found = audit(study(**search), MADE.runs, MADE.epochs)
    assert (found.rows, found.rung) == ((), None)
    assert found.sentence == "No run of this study is ever pruned."


@pytest.mark.parametrize("epochs", [{}, MADE.epochs])
@pytest.mark.parametrize(
    "runs",
    [
        [],
        [replace(MADE.runs[0], value=float("nan"))],
        [replace(run, value=0.5) for run in MADE.runs[:6]],
        [replace(MADE.runs[0], plan=None, state="waiting", value=None)],
        [replace(MADE.runs[0], plan=Plan(), state="failed", value=None)],
    ],
)
def test_few_runs_give_no_number_that_is_not_one(runs, epochs):
    found = audit(study(), runs, epochs)
    assert [row.rank_correlation for row in found.rows] == [None] * 4
    assert "the cost of pruning is not known" in found.sentence

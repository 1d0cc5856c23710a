"""Tables hold one row for each effect and each run, as text."""

from dataclasses import replace
from types import SimpleNamespace

from lrlc_nas.config import ACCURACY
from lrlc_nas.evidence import AuditRow, Context, Interaction, screen
from lrlc_nas.evidence.pruning_audit import Audit
from lrlc_nas.report.tables import audit, disagreements, effects, runs
from lrlc_nas.report.tables.printed import shown


def printed(table, **reading):
    """The rows of a table, of a reading that holds no more than this."""
    return list(shown(table, SimpleNamespace(metric=ACCURACY, **reading)).rows)


def test_effect_rows_follow_the_screening(new_study, new_run):
    study = new_study(space={"conv1": ("conv", "lrlc-2", "lc")})
    plans_and_values = [({}, 0.80), ({}, 0.82), ({"conv1": "lc"}, 0.99)]
    made = [new_run(number, plan, value) for number, (plan, value) in enumerate(plans_and_values)]
    screening = screen(study, made, {})
    missing, (css, relaxed) = printed(effects.TABLE, screening=screening, importances={})
    assert missing == ("", ("conv1", "lrlc-2", "–", "–", "0", "–", "no complete run has this choice here"))
    assert (*relaxed[:3], relaxed[4]) == ("conv1", "lc", "+18.00", "1")
    assert relaxed[3].startswith("[")
    assert (css == "clear") is screening.effects[1].distinguishable


def test_trial_rows_show_every_run(new_run, new_epochs):
    done = new_run(0, {"conv1": "lc"}, 0.75, parameters=12345, macs=67890)
    failed = new_run(1, {}, None, state="failed", reason="the loss is not finite", role="host")
    waiting = new_run(2, None, None, state="waiting", parameters=None, macs=None, role="sampled")
    epochs = {done.run_id: new_epochs(done, [0.5, 0.75]), failed.run_id: new_epochs(failed, [0.25])}
    why = "the loss is not finite"
    assert printed(runs.TABLE, runs=[done, failed, waiting], epochs=epochs) == [
        ("complete", ("0", "single", "conv1=lc", "0", "complete", "2", "75.00 %", "12,345", "67,890", "5.0", "")),
        ("failed", ("1", "host", "host", "1", "failed", "1", "25.00 %", "1,000", "2,000", "2.5", why)),
        ("waiting", ("2", "sampled", "–", "2", "waiting", "0", "–", "–", "–", "–", "")),
    ]


def test_what_does_not_add_up_is_noted_and_has_rows_of_its_own(new_study):
    screening = screen(new_study(space={"conv1": ("conv", "lrlc-2", "lc")}), [], {})
    told = replace(screening.effects[1], reason="")
    odd = Context("conv1", "lc", 2.0, -1.0, -3.0, -4.0, -2.0, 0.001, 0.01, 1, 5)
    calm = replace(odd, choice="lrlc-2", adjusted=0.5)
    pair = Interaction("conv1", "conv2", 1.5, 0.5, 2.5, 0.002, 0.02, 4)
    screening = replace(
        screening,
        runs_used=1,
        effects=(screening.effects[0], told),
        contexts=(calm, odd),
        interactions=(pair, replace(pair, second="conv3", adjusted=0.06)),
    )
    (_, missing), (_, noted) = printed(effects.TABLE, screening=screening, importances={"conv1": 0.25})
    assert missing[-2:] == ("0.25", "no complete run has this choice here")
    assert noted[-2:] == ("", odd.sentence(ACCURACY))
    assert "+2.00 points alone, -1.00 with other sites relaxed" in odd.sentence(ACCURACY)
    assert printed(disagreements.TABLE, screening=screening) == [
        ("", ("conv1: lc", "+2.00", "−1.00", "−3.00", "[−4.00, −2.00]")),
        ("", ("conv1 with conv2", "–", "–", "+1.50", "[+0.50, +2.50]")),
    ]


def test_audit_rows_begin_with_all_runs():
    rows = (AuditRow("", 2, 1, 1, 9, 0.5), AuditRow("lc", 0, 0, 0, 3, None))
    assert printed(audit.TABLE, audit=Audit(rows, 1, "")) == [
        ("clear", ("all", "2", "1", "1", "9", "+0.50")),
        ("", ("lc", "0", "0", "0", "3", "–")),
    ]

"""Tables hold one row for each effect and each run, as text."""

from dataclasses import replace

from lrlc_nas.evidence import AuditRow, Context, Interaction, screen
from lrlc_nas.evidence.pruning_audit import Audit
from lrlc_nas.report import EffectRow, TrialRow, effect_rows, trial_rows
from lrlc_nas.report.tables.audit import AuditLine, audit_rows
from lrlc_nas.report.tables.disagreements import DisagreementRow, disagreement_rows


def test_effect_rows_follow_the_screening(new_study, new_run):
    study = new_study(space={"conv1": ("conv", "lrlc-2", "lc")})
    plans_and_values = [({}, 0.80), ({}, 0.82), ({"conv1": "lc"}, 0.99)]
    runs = [new_run(number, plan, value) for number, (plan, value) in enumerate(plans_and_values)]
    screening = screen(study, runs, {})
    missing, relaxed = effect_rows(screening)
    assert missing == EffectRow("conv1", "lrlc-2", "–", "–", "0", "no complete run has this choice here", False, "–")
    assert (relaxed.site, relaxed.choice, relaxed.effect, relaxed.runs) == ("conv1", "lc", "+18.00", "1")
    assert relaxed.interval.startswith("[")
    assert relaxed.clear is screening.effects[1].distinguishable


def test_trial_rows_show_every_run(new_run, new_epochs):
    done = new_run(0, {"conv1": "lc"}, 0.75, parameters=12345, macs=67890)
    failed = new_run(1, {}, None, state="failed", reason="the loss is not finite", role="host")
    waiting = new_run(2, None, None, state="waiting", parameters=None, macs=None, role="sampled")
    epochs = {done.run_id: new_epochs(done, [0.5, 0.75]), failed.run_id: new_epochs(failed, [0.25])}
    assert trial_rows([done, failed, waiting], epochs) == [
        TrialRow("0", "single", "conv1=lc", "0", "complete", "", "2", "75.00 %", "12,345", "67,890", "5.0"),
        TrialRow("1", "host", "host", "1", "failed", "the loss is not finite", "1", "25.00 %", "1,000", "2,000", "2.5"),
        TrialRow("2", "sampled", "–", "2", "waiting", "", "0", "–", "–", "–", "–"),
    ]


def test_what_does_not_add_up_is_noted_and_has_rows_of_its_own(new_study):
    screening = screen(new_study(space={"conv1": ("conv", "lrlc-2", "lc")}), [], {})
    told = replace(screening.effects[1], reason="")
    odd = Context("conv1", "lc", 2.0, -1.0, -3.0, -4.0, -2.0, 0.001, 0.01, 1, 5)
    calm = replace(odd, choice="lrlc-2", adjusted=0.5)
    pair = Interaction("conv1", "conv2", 1.5, 0.5, 2.5, 0.002, 0.02, 4)
    screening = replace(
        screening,
        effects=(screening.effects[0], told),
        contexts=(calm, odd),
        interactions=(pair, replace(pair, second="conv3", adjusted=0.06)),
    )
    missing, noted = effect_rows(screening, {"conv1": 0.25})
    assert missing.note == "no complete run has this choice here"
    assert noted.note == odd.sentence
    assert "+2.00 points alone, -1.00 with other sites relaxed" in odd.sentence
    assert (missing.importance, noted.importance) == ("0.25", "")
    assert disagreement_rows(screening) == [
        DisagreementRow("conv1: lc", "+2.00", "−1.00", "−3.00", "[−4.00, −2.00]"),
        DisagreementRow("conv1 with conv2", "–", "–", "+1.50", "[+0.50, +2.50]"),
    ]


def test_audit_rows_begin_with_all_runs():
    rows = (AuditRow("", 2, 1, 1, 9, 0.5), AuditRow("lc", 0, 0, 0, 3, None))
    assert audit_rows(Audit(rows, 1, "")) == [
        AuditLine("all", "2", "1", "1", "9", "+0.50"),
        AuditLine("lc", "0", "0", "0", "3", "–"),
    ]

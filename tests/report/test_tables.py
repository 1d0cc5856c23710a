"""Tables hold one row for each effect and each run, as text."""

from lrlc_nas.evidence import screen
from lrlc_nas.report import EffectRow, TrialRow, effect_rows, trial_rows


def test_effect_rows_follow_the_screening(new_study, new_run):
    study = new_study(space={"conv1": ("conv", "lrlc-2", "lc")})
    plans_and_values = [({}, 0.80), ({}, 0.82), ({"conv1": "lc"}, 0.99)]
    runs = [new_run(slot, plan, value) for slot, (plan, value) in enumerate(plans_and_values)]
    screening = screen(study, runs)
    missing, relaxed = effect_rows(screening)
    assert missing == EffectRow(
        "conv1", "lrlc-2", "–", "–", "0", "no complete run holds this choice here", False
    )
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
        TrialRow(
            "1",
            "host",
            "host",
            "1",
            "failed",
            "the loss is not finite",
            "1",
            "25.00 %",
            "1,000",
            "2,000",
            "2.5",
        ),
        TrialRow("2", "sampled", "–", "2", "waiting", "", "0", "–", "–", "–", "–"),
    ]

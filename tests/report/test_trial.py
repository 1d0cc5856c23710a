"""The page on one run shows what the run is, and its curves over the host's."""

import pytest

from lrlc_nas.engine import checkpoint_bytes, study_folder
from lrlc_nas.errors import InputError
from lrlc_nas.report.trial import draw_loss, draw_metric, plotly_script, trial_curves, trial_view


def values(figure):
    return {trace.name: (list(trace.x), list(trace.y)) for trace in figure.data}


def test_curves_are_those_of_the_run_and_of_the_hosts(new_run, new_epochs):
    run, host, waiting = new_run(5, {"conv1": "lc"}), new_run(0, {}), new_run(1, {})
    curves = trial_curves(run, new_epochs(run, [0.5, 0.75]), {0: new_epochs(host, [0.25, 0.5]), waiting.number: []})
    assert set(curves.hosts) == {0}
    assert values(draw_metric(curves)) == {"host": ([1, 2], [25.0, 50.0]), "this run": ([1, 2], [50.0, 75.0])}
    assert values(draw_loss(curves)) == {"training split": ([1, 2], [1.0, 1.0]), "search split": ([1, 2], [1.0, 1.0])}


def test_hosts_share_one_line_in_the_legend(new_run, new_epochs):
    run = new_run(5, {"conv1": "lc"})
    hosts = {number: new_epochs(new_run(number, {}), [0.5]) for number in range(3)}
    traces = draw_metric(trial_curves(run, new_epochs(run, [0.5]), hosts)).data
    assert [trace.showlegend for trace in traces] == [True, False, False, True]
    assert traces[-1].name == "this run"  # drawn last, so that it lies on top


@pytest.mark.parametrize("number", [0, 3, 6, 7])
def test_the_view_agrees_with_the_database(new_store, number):
    store = new_store()
    study = store.study("small")
    run = store.runs(study)[number]
    view = trial_view(store, "small", number)
    facts = dict(view.facts)
    assert (view.study, view.number, view.last, view.state, view.reason) == ("small", number, 7, run.state, run.reason)
    assert dict(view.plan) == {site: run.plan.at(site).token for site in study.space}
    assert view.relaxed == len(list(run.plan))
    assert facts["Accuracy"] == f"{70 + number:.2f} %"
    assert facts["Epochs"] == "2"
    assert facts["Time"] == "5.0 s"
    assert facts["Parameters"].startswith(f"{run.parameters:,} (")
    assert facts["Claimed"] == "once"
    assert facts["Device"] == "cpu"
    others = {0, 1} - {number}
    assert len(view.figures[0].figure["data"]) == len(others) + 1


def test_a_run_that_waits_has_the_hosts_curves_alone(new_store):
    view = trial_view(new_store(finished=3), "small", 7)
    assert (view.state, view.plan, view.relaxed) == ("waiting", (), 0)
    accuracy, loss = view.figures
    assert [trace["name"] for trace in accuracy.figure["data"]] == ["host"] * 2
    assert (loss.figure, loss.caption) == (None, "No epoch has been recorded yet, so there is no curve.")


def test_checkpoints_are_counted_on_the_disk(new_store):
    store = new_store()
    study = store.study("small")
    run = store.runs(study)[2]
    assert checkpoint_bytes(store, study, run) == 0
    folder = study_folder(store, study) / "trial-2"
    for attempt, size in ((1, 100), (2, 23)):
        (folder / f"attempt-{attempt}").mkdir(parents=True)
        (folder / f"attempt-{attempt}" / "epoch").write_bytes(b"x" * size)
    assert checkpoint_bytes(store, study, run) == 123
    assert checkpoint_bytes(store, study, store.runs(study)[3]) == 0
    assert dict(trial_view(store, "small", 2).facts)["Checkpoints"] == "0.1 kB on this machine"


def test_a_run_that_is_not_there_is_named(new_store):
    store = new_store()
    with pytest.raises(InputError, match=r"study 'small' has no run 8; its runs are 0 to 7"):
        trial_view(store, "small", 8)
    with pytest.raises(InputError, match="no study 'other'"):
        trial_view(store, "other", 0)


def test_the_script_draws():
    assert "Plotly" in plotly_script()

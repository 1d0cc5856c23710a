"""A curve for each run that has trained, and the ones that matter to be seen."""

from lrlc_nas.report.figures.learning_curves import Curve, draw_learning_curves, learning_curves, thinned


def make(new_run, new_epochs):
    runs = [
        new_run(0, {}, 0.6),
        new_run(1, {"conv1": "lc"}, 0.8),
        new_run(2, {"conv1": "lrlc-2"}, 0.7),
        new_run(3, {"conv2": "lc"}, 0.3, state="pruned"),
        new_run(4, None, None, state="waiting"),
    ]
    epochs = {run.run_id: new_epochs(run, [0.2, run.value]) for run in runs[:3]}
    epochs[runs[3].run_id] = new_epochs(runs[3], [0.3])
    return runs, learning_curves(runs, epochs, runs[1])


def test_each_run_that_has_trained_has_a_curve(new_run, new_epochs):
    runs, info = make(new_run, new_epochs)
    assert info.curves == (
        Curve(0, runs[0].plan, "host", (1, 2), (0.2, 0.6)),
        Curve(1, runs[1].plan, "best", (1, 2), (0.2, 0.8)),
        Curve(2, runs[2].plan, "other", (1, 2), (0.2, 0.7)),
        Curve(3, runs[3].plan, "pruned", (1,), (0.3,)),
    )


def test_the_best_run_lies_on_top_and_pruned_ones_end_in_a_cross(new_run, new_epochs):
    figure = draw_learning_curves(make(new_run, new_epochs)[1])
    assert [trace.name for trace in figure.data] == ["other runs", "pruned", "host", "best run", "pruned here"]
    cross = figure.data[-1]
    assert (list(cross.x), list(cross.y), cross.marker.symbol) == ([1], [30.0], "x")


def test_curves_of_one_kind_are_not_joined(new_run, new_epochs):
    runs = [new_run(number, {}, 0.5) for number in range(2)]
    epochs = {run.run_id: new_epochs(run, [0.25, 0.5]) for run in runs}
    (trace,) = draw_learning_curves(learning_curves(runs, epochs, None)).data
    assert list(trace.x) == [1, 2, None, 1, 2, None]
    assert list(trace.y) == [25.0, 50.0, None, 25.0, 50.0, None]
    assert trace.connectgaps is False


def test_what_is_not_finite_is_not_drawn(new_run, new_epochs):
    run = new_run(0, {}, None, state="failed")
    (curve,) = learning_curves([run], {run.run_id: new_epochs(run, [0.2, float("nan")])}, None).curves
    assert curve.epochs == (1,)


def test_thinning_keeps_the_best_the_hosts_and_every_last_point(new_run, new_epochs):
    runs = [new_run(number, {"conv1": "lc"} if number > 1 else {}, 0.5) for number in range(900)]
    epochs = {run.run_id: new_epochs(run, [0.1] * 140 + [0.5]) for run in runs}
    info = learning_curves(runs, epochs, runs[888])
    few = thinned(info)
    assert {0, 1, 888} <= {curve.number for curve in few.curves}
    assert len(few.curves) <= 203
    assert all(curve.epochs[-1] == 141 and len(curve.epochs) <= 60 for curve in few.curves)
    assert {curve.number for curve in few.curves} < {curve.number for curve in info.curves}


def test_few_curves_stay_as_they_are(new_run, new_epochs):
    info = make(new_run, new_epochs)[1]
    assert thinned(info) == info

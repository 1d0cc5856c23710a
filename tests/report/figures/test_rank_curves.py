"""A curve goes from full sharing through the ranks to none."""

from lrlc_nas.evidence import screen
from lrlc_nas.report.figures.rank_curves import draw_rank_curve, rank_curves, rank_table

SPACE = {"conv1": ("conv", "wide-2", "lrlc-8", "lrlc-2", "lrlc-2-rows", "lc"), "conv2": ("conv", "coord", "lc")}


def make(new_study, new_run):
    cells = [("conv1", token) for token in SPACE["conv1"][1:]] + [("conv2", "coord")]
    plans = [{}, {}, *({site: token} for site, token in cells)]
    runs = [new_run(number, plan, 0.80 + number / 100) for number, plan in enumerate(plans)]
    return screen(new_study(space=SPACE), runs, {})


def test_effects_are_those_of_the_screening_sorted_by_rank(new_study, new_run):
    screening = make(new_study, new_run)
    (curve,) = rank_curves(screening)  # conv2 has neither a rank nor lc that can be told
    by_choice = {effect.choice: effect for effect in screening.effects if effect.site == "conv1"}
    assert (curve.site, curve.ranks, curve.lc) == ("conv1", (2, 8), by_choice["lc"])
    assert {series.kind.form: [effect.choice for effect in series.effects] for series in curve.series} == {
        "wide-K": ["wide-2"],
        "lrlc-K": ["lrlc-2", "lrlc-8"],
        "lrlc-K-rows": ["lrlc-2-rows"],
    }
    assert {row[1]: row[3:6] for row in rank_table([curve]).rows} == {
        token: (effect.estimate, effect.low, effect.high) for token, effect in by_choice.items()
    }


def test_a_drawn_curve_has_conv_at_zero_and_lc_at_its_end(new_study, new_run):
    (curve,) = rank_curves(make(new_study, new_run))
    drawn = {trace.name: trace for trace in draw_rank_curve(curve).data}
    assert drawn["rows + columns"].x == ("conv", "2", "8", "lc")
    assert drawn["rows + columns"].y == (0, *(effect.estimate for effect in curve.series[1].effects), curve.lc.estimate)
    assert drawn["control: wide"].x == ("conv", "2")
    assert drawn["no sharing"].y == (curve.lc.estimate,)


def test_bars_reach_from_the_estimate_to_the_end_of_the_interval(new_study, new_run):
    (curve,) = rank_curves(make(new_study, new_run))
    (end,) = [trace for trace in draw_rank_curve(curve).data if trace.name == "no sharing"]
    assert end.error_y.array == (curve.lc.high - curve.lc.estimate,)


def test_all_estimates_lie_within_the_axis(new_study, new_run):
    (curve,) = rank_curves(make(new_study, new_run))
    assert curve.limit > curve.largest == max(abs(row[3]) for row in rank_table([curve]).rows)


def test_without_effects_there_are_no_curves(new_study, new_run):
    assert rank_curves(screen(new_study(), [new_run(0, {}, 0.8)], {})) == ()

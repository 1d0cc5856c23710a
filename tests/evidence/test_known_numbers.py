"""Numbers of statsmodels 0.15.0: regression, power and adjusted p-values go on agreeing with it."""

import numpy as np
import pytest
from scipy import stats

from lrlc_nas.evidence.comparison import holm
from lrlc_nas.evidence.interactions import benjamini_hochberg
from lrlc_nas.evidence.missing import fit_staircase
from lrlc_nas.evidence.t_power import t_power

POINTS = [81.2, 80.6, 80.9, 82.4, 82.9, 81.7, 79.8, 80.1, 83.3, 82.2, 79.5, 81.1]
"""The outcomes of all designs, as many as each has rows."""

CROSSED = [[1, *both] for both in ([0, 0],) * 3 + ([1, 0],) * 2 + ([0, 1],) * 3 + ([1, 1],) * 2]
CROSSED += [[1, 0, 0], [1, 1, 0]]
EQUAL_COLUMNS = [[1, one, one, other] for one, other in [(0, 0)] * 2 + [(1, 0)] * 2 + [(1, 1)] + [(0, 1)] * 3]
EQUAL_COLUMNS += [[1, 1, 1, 1], [1, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 0]]
ONE_DEGREE = [[1, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1]]
ONE_FAR_AWAY = [[1, 0, x] for x in (0.1, 0.2, 0.1)] + [[1, 1, 5.0]] + [[1, 0, x] for x in (0.3, -0.2, 1e-3, 0.7)]


@pytest.mark.parametrize(
    ("design", "degrees", "sd", "contrasts"),
    [
        pytest.param(
            CROSSED,
            9,
            0.8400708031162436,
            [
                ([1, 0, 0], 80.43823529411767, 79.5759554658159, 81.30051512241945, 6.1302483163203836e-18),
                ([0, 1, 0], 1.8441176470588285, 0.7309191754643711, 2.957316118653286, 0.004572447576641566),
                ([0, 0, 1], 0.2441176470588271, -0.8690808245356305, 1.3573161186532847, 0.6317286572584047),
                ([0, 1, -1], 1.6000000000000014, 0.04835260884351067, 3.151647391156492, 0.044553311042971805),
            ],
            id="two crossed choices",
        ),
        pytest.param(
            EQUAL_COLUMNS,
            9,
            1.0579968329229277,
            [
                ([1, 0, 0, 0], 80.52647058823538, 79.4405034006454, 81.61243777582537, 4.836152948651098e-17),
                ([0, 1, 1, 0], 1.4049019607841773, 0.0029243500962716773, 2.806879571472083, 0.049615836071125734),
                ([0, 0, 0, 1], 0.4715686274510382, -0.9304089832368634, 1.8735462381389398, 0.4661850028371682),
            ],
            id="a design that cannot tell two columns apart",
        ),
        pytest.param(
            ONE_DEGREE,
            1,
            0.4242640687119345,
            [
                ([1, 0, 0, 0], 80.89999999999998, 77.08813857914751, 84.71186142085244, 0.0023607547129679447),
                ([0, 1, 0, 0], 0.0, -6.602337652328155, 6.602337652328155, 1.0),
                ([0, 0, 1, -1], -0.5, -8.123722841704923, 7.123722841704923, 0.5577158767526099),
            ],
            id="one degree of freedom",
        ),
        pytest.param(
            ONE_FAR_AWAY,
            5,
            1.1275943110476343,
            [
                ([0, 1, 5], 1.2608299478600173, -1.9209632938400745, 4.442623189560109, 0.35510875517184004),
                ([0, 0, 1], -0.6446214529392478, -4.854997890593103, 3.5657549847146077, 0.7101255134968038),
            ],
            id="one run far from all others",
        ),
    ],
)
def test_least_squares(design, degrees, sd, contrasts):
    fit = fit_staircase(np.array(design, dtype=float), np.array(POINTS[: len(design)])[:, None])
    assert fit.degrees_of_freedom == degrees
    assert fit.residual_sd == pytest.approx(sd, rel=1e-10)
    for combination, *known in contrasts:
        found = fit.contrast(np.array(combination, dtype=float))
        assert [found.estimate, found.low, found.high, found.p_value] == pytest.approx(known, rel=1e-10, abs=1e-10)


def test_what_the_design_cannot_tell_has_no_number():
    fit = fit_staircase(np.array(EQUAL_COLUMNS, dtype=float), np.array(POINTS)[:, None])
    assert fit.contrast(np.array([0.0, 1.0, 0.0, 0.0])).estimate is None


@pytest.mark.parametrize(
    ("effect", "n", "alpha", "known"),
    [
        (1, 10, 0.04, 0.7663414289962643),
        (0.5, 5, 0.05, 0.140516689990298),
        (2, 5, 0.04 / 12, 0.28887072253981905),
        (0.3, 100, 0.05, 0.8439471027374158),
        (0, 8, 0.04, 0.04),
    ],
)
def test_power_of_the_paired_t_test(effect, n, alpha, known):
    assert float(t_power(effect, 1 / np.sqrt(n), n - 1, alpha)) == pytest.approx(known, abs=1e-10)


P_VALUES = [0.9, 0.01, 0.5, 0.011, 0.049, 1.0, 0.0, 0.02]


@pytest.mark.parametrize(
    ("p_values", "known"),
    [
        ([0.004, 0.03, 0.0001, 0.03], [0.012, 0.06, 0.0004, 0.06]),
        ([0.2], [0.2]),
        (P_VALUES, [1.0, 0.07, 1.0, 0.07, 0.196, 1.0, 0.0, 0.1]),
    ],
)
def test_holms_adjusted_p_values(p_values, known):
    assert holm(p_values, len(p_values)) == pytest.approx(known, rel=1e-12)


@pytest.mark.parametrize(
    ("p_values", "known"),
    [
        ([0.004, 0.03, 0.0001, 0.03], [0.008, 0.03, 0.0004, 0.03]),
        ([0.2], [0.2]),
        (P_VALUES, [1.0, 0.029333333333333333, 0.6666666666666666, 0.029333333333333333, 0.0784, 1.0, 0.0, 0.04]),
    ],
)
def test_benjamini_and_hochbergs_adjusted_p_values(p_values, known):
    """Every bit, for what is said of a study hangs on whether such a value is at most 0.05."""
    assert benjamini_hochberg(p_values) == known


@pytest.mark.parametrize("count", range(1, 9))
def test_benjamini_and_hochberg_are_scipys(count):
    p_values = np.random.default_rng(count).uniform(0, 0.1, count)
    assert benjamini_hochberg(p_values) == pytest.approx(stats.false_discovery_control(p_values), rel=1e-12)

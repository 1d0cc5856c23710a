"""Numbers read the same on every page."""

import pytest

from lrlc_nas.config import ACCURACY, Metric
from lrlc_nas.report.numbers import (
    correlation,
    count,
    difference,
    duration,
    gained,
    interval,
    magnitude,
    percent,
    shown,
)

IOU = Metric("IoU")
RMSE = Metric("RMSE", "minimize", "degrees", digits=2)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (gained(ACCURACY, 1.934), "+1.93"),
        (gained(ACCURACY, -0.5), "−0.50"),
        (gained(ACCURACY, -0.001), "0.00"),
        (gained(ACCURACY, 0.0), "0.00"),
        (gained(ACCURACY, None), "–"),
        (interval(ACCURACY, -0.3, 1.2), "[−0.30, +1.20]"),
        (interval(ACCURACY, None, 1.0), "–"),
        (gained(IOU, 0.01234), "+0.0123"),
        (gained(IOU, -0.00004), "0.0000"),
        (gained(IOU, 0.01234, 1), "0.0"),
        (difference(ACCURACY, 1.934), "+1.93 points"),
        (difference(IOU, -0.5), "−0.5000"),
        (difference(RMSE, 1.2), "+1.20 degrees"),
        (interval(RMSE, -0.3, 1.2), "[−0.30, +1.20]"),
        (shown(ACCURACY, 0.84213), "84.21 %"),
        (shown(IOU, 0.81234), "0.8123"),
        (shown(RMSE, 12.3), "12.30 degrees"),
        (shown(Metric("gain", unit="dB"), -1), "−1.0000 dB"),
        (shown(IOU, None), "–"),
        (correlation(-0.5), "−0.50"),
        (correlation(None), "–"),
        (percent(0.84213), "84.21 %"),
        (percent(None), "–"),
        (count(12345), "12,345"),
        (count(None), "–"),
        (magnitude(999), "999"),
        (magnitude(12345), "12.3 k"),
        (magnitude(2_345_678), "2.35 M"),
        (magnitude(999_999), "1 M"),
        (magnitude(3e12), "3 T"),
        (duration(42), "42.0 s"),
        (duration(185), "3 min 05 s"),
        (duration(7620), "2 h 07 min"),
        (duration(59.97), "1 min 00 s"),
        (duration(3599.7), "1 h 00 min"),
        (duration(None), "–"),
    ],
)
def test_written_form(written, expected):
    assert written == expected

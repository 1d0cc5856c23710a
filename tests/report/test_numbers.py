"""Numbers read the same on every page."""

import pytest

from lrlc_nas.report.numbers import count, duration, interval, magnitude, percent, points


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (points(1.934), "+1.93"),
        (points(-0.5), "−0.50"),
        (points(-0.001), "0.00"),
        (points(0.0), "0.00"),
        (points(None), "–"),
        (interval(-0.3, 1.2), "[−0.30, +1.20]"),
        (interval(None, 1.0), "–"),
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

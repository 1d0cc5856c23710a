"""The measurement tells times and sizes of a study's pages, and refuses what is not there."""

import pytest

from lrlc_nas.errors import InputError
from tests.dashboard.page_times import measure


def test_everything_is_measured(store):
    timings = measure(store, "first")
    assert min(vars(timings).values()) > 0
    assert timings.report < timings.drawing  # it was drawn once and kept
    assert 1 < timings.compressed < timings.megabytes < 15  # plotly.js alone is more than one


def test_a_study_that_is_not_there_is_named(store):
    with pytest.raises(InputError, match="no study 'none'"):
        measure(store, "none")

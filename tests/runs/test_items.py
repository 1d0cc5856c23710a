"""Scores of single samples: kept as they were, and never other ones."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lrlc_nas.errors import InputError, StorageError
from lrlc_nas.runs.items import pack_items, unpack_items

FLOATS = st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1, max_size=50)


@given(FLOATS)
def test_single_precision_comes_back_to_the_last_bit(values):
    assert unpack_items(pack_items(values)).tolist() == values


@given(st.lists(st.booleans(), min_size=1, max_size=200))
def test_right_and_wrong_come_back_from_a_tensor(values):
    assert unpack_items(pack_items(torch.tensor(values))).tolist() == [float(value) for value in values]


def test_right_and_wrong_take_less_than_half_a_byte_each():
    right = np.random.default_rng(0).random(4000) < 0.8
    assert len(pack_items(right)) < 2000


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([], "shape"),
        (torch.zeros(2, 2), "shape"),
        ([1.0, math.nan], "item 1"),
        ([math.inf], "item 0"),
        ("some", "numbers"),
        (None, "numbers"),
    ],
)
def test_what_is_no_score_for_each_sample_is_refused(items, words):
    with pytest.raises(InputError, match=words):
        pack_items(items)


@given(FLOATS, st.data())
def test_damage_is_seen(values, data):
    packed = pack_items(values)
    at = data.draw(st.integers(1, len(packed) - 1))
    other = data.draw(st.sampled_from(sorted(set("uf?Aa0") - {packed[at]})))
    try:
        read = unpack_items(packed[:at] + other + packed[at + 1 :])
    except StorageError:
        return
    # The last letter before the padding has bits that say nothing.
    assert read.tolist() == values

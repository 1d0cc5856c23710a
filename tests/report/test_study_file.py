"""What is written back as TOML reads as what it was."""

import tomllib

from hypothesis import given, settings
from hypothesis import strategies as st

from lrlc_nas.report.study_file import study_file

KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, min_size=1, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_round_trip(table):
    assert tomllib.loads(study_file(table)) == table


def test_what_is_none_is_left_out():
    assert tomllib.loads(study_file({"a": None, "b": {"c": None, "d": 1}, "e": {}})) == {"b": {"d": 1}}


def test_values_come_before_sections():
    assert study_file({"host": {"name": "x"}, "seed": 1}) == 'seed = 1\n\n[host]\nname = "x"\n'

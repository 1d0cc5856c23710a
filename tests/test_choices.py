"""Tokens, their order, and the canonical form of plans."""

import hashlib
import json
import random
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrlc_nas.choices import CONV, FORMS, KINDS, Choice, Plan, controls
from lrlc_nas.errors import InputError

ranks = st.integers(1, 64)
choices = st.builds(lambda form, rank: Choice.parse(form.replace("K", str(rank))), st.sampled_from(FORMS), ranks)
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
plans = st.dictionaries(names, choices, max_size=5)
each = settings(deadline=None, database=None, derandomize=True)


@each
@given(choices)
def test_a_token_reads_back_as_its_choice(choice):
    assert Choice.parse(choice.token) == choice
    assert str(choice) == choice.token


@each
@given(plans)
def test_controls_relax_nothing_and_one_bank_is_a_control(tokens):
    relaxing = {
        name
        for name, choice in tokens.items()
        if choice == Choice("lc") or (choice.kind == "lrlc" and choice.rank >= 2)
    }
    assert {name for name, choice in tokens.items() if choice.relaxes} == relaxing
    assert Plan.of(tokens).relaxes == bool(relaxing)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_that_is_promised_can_be_read(form):
    token = form.replace("K", "4")
    assert Choice.parse(token).token == token


@pytest.mark.parametrize(
    "token",
    [
        "",
        "Conv",
        "lrlc",
        "lrlc-",
        "lrlc-x",
        "lrlc-2-",
        "lrlc-2-diagonal",
        "wide-2-rows",
        "tied-2-full",
        "conv-2",
        "lc-1",
    ],
)
def test_what_is_no_token_is_answered_with_the_forms(token):
    with pytest.raises(InputError, match=r"unknown choice .*; a choice is one of conv, .*lrlc-K, .* rank K >= 1"):
        Choice.parse(token)


@pytest.mark.parametrize("token", ["lrlc-0", "wide-0", "tied-00", "lrlc-0-full"])
def test_a_rank_is_at_least_one(token):
    with pytest.raises(InputError, match=f"choice '{token}' has rank 0+; a rank is at least 1"):
        Choice.parse(token)


def test_relaxation_orders_from_full_sharing_to_none():
    ordered = [
        "conv", "coord", "position-vector", "wide-2", "tied-2", "lrlc-1", "lrlc-2-rows", "lrlc-2-cols", "lrlc-2",
        "lrlc-2-full", "lrlc-2-rows-input", "lrlc-2-cols-input", "lrlc-2-input", "lrlc-4-rows", "lrlc-4",
        "lrlc-16", "lc",
    ]  # fmt: skip
    shuffled = random.Random(0).sample(ordered, len(ordered))
    assert sorted(shuffled, key=lambda token: Choice.parse(token).relaxation) == ordered


@each
@given(choices, choices)
def test_only_equal_choices_are_equally_relaxed(one, other):
    assert (one.relaxation == other.relaxation) == (one == other)


@each
@given(plans, st.integers(0, 99))
def test_a_plan_does_not_depend_on_order_or_on_convolutions_being_named(tokens, order):
    items = list(tokens.items())
    random.Random(order).shuffle(items)
    shuffled = Plan.of(dict(items))
    bare = Plan.of({name: choice.token for name, choice in tokens.items() if choice != CONV})
    assert Plan.of(tokens) == shuffled == bare
    assert Plan.of(tokens).digest == shuffled.digest == bare.digest


@each
@given(plans, plans)
def test_plans_have_one_digest_exactly_if_they_are_equal(one, other):
    assert (Plan.of(one).digest == Plan.of(other).digest) == (Plan.of(one) == Plan.of(other))


@each
@given(plans)
def test_a_plan_survives_its_json(tokens):
    plan = Plan.of(tokens)
    assert Plan.from_json(plan.to_json()) == plan
    assert json.loads(plan.to_json()) == plan.tokens


def test_the_canonical_form_is_fixed_for_ever():
    plan = Plan.of({"layer2.conv": "lc", "layer1.conv": "lrlc-4-rows", "stem": "conv"})
    assert plan.to_json() == '{"layer1.conv":"lrlc-4-rows","layer2.conv":"lc"}'
    assert plan.digest == hashlib.sha256(plan.to_json().encode()).hexdigest()
    assert Plan().digest == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


@each
@given(plans)
def test_every_site_has_a_choice(tokens):
    plan = Plan.of(tokens)
    for name, choice in tokens.items():
        assert plan.at(name) == choice
    assert plan.at("no such site") == CONV
    assert dict(plan) == {name: choice for name, choice in tokens.items() if choice != CONV}


def test_an_unknown_choice_names_its_site():
    with pytest.raises(InputError, match="site 'stem': unknown choice 'lrcl-2'"):
        Plan.of({"stem": "lrcl-2"})


def test_an_unknown_site_is_answered_with_the_sites():
    plan = Plan.of({"stem": "lc"})
    plan.require_sites(["stem", "head"])
    with pytest.raises(InputError, match="unknown site 'stem'; the sites are head, tail"):
        plan.require_sites(["head", "tail"])
    with pytest.raises(InputError, match=r"the sites are \(none\)"):
        plan.require_sites([])


def test_plans_read_as_text():
    assert str(Plan()) == "host"
    assert str(Plan.of({"b": "lc", "a": "lrlc-2"})) == "a=lrlc-2, b=lc"


def test_controls_change_what_may_explain_the_gain_and_nothing_else():
    plan = Plan.of({"a": "lrlc-4-rows", "b": "lc"})
    widths = {("b", Choice("lc")): 8, ("b", Choice("coord")): 2}
    found = controls(plan, widths)
    assert {label: control.tokens for label, control in found.items()} == {
        "wide": {"a": "wide-4", "b": "wide-8"},
        "tied": {"a": "tied-4", "b": "tied-8"},
        "coord": {"a": "coord", "b": "coord"},
        "position-vector": {"a": "position-vector", "b": "position-vector"},
        "lrlc-1": {"a": "lrlc-1", "b": "lrlc-1"},
        "lc": {"a": "lc", "b": "lc"},
    }
    assert "lc" not in controls(Plan.of({"a": "lc"}), {("a", Choice("lc")): 2})
    assert controls(Plan.of({"b": "coord"}), widths)["tied"].tokens == {"b": "tied-2"}


def test_every_control_of_the_table_is_a_token_that_relaxes_nothing_or_everything():
    tokens = [kind.control.replace("K", "4") for kind in KINDS if kind.control]
    assert len(set(tokens)) == len(tokens)
    assert {token for token in tokens if Choice.parse(token).relaxes} == {"lc"}


def test_the_table_is_read_without_torch():
    code = "import sys, lrlc_nas.choices; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0

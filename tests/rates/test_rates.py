import pytest

from lrlc_nas.errors import InputError
from tests.rates import rates


@pytest.fixture(autouse=True)
def _one_setting(monkeypatch):
    monkeypatch.setattr(rates, "SETTINGS", {"24 runs": rates.SETTINGS["24 runs"]})
    monkeypatch.setattr(rates, "BUDGETS", (36,))


def test_promises_and_rates_are_printed_and_judged():
    said = []
    assert rates.print_rates(said.append, studies=100)
    text = "\n".join(said)
    for words in (
        "false helps or hurts, any claim",
        "a planted gain helps",
        "false equivalent",
        "screening, 24",
        "three or more of nine",
        "for the same epochs",
    ):
        assert words in text
    assert text.endswith("every rate agrees with what is promised")
    assert "a rate agrees with a promise that its 95 % interval meets" in said[0]


def test_a_promise_that_disagrees_is_said(monkeypatch):
    found = rates.coverage(rates.SETTINGS["24 runs"], 2)
    narrow = type(found)(**{**vars(found), "rate": 0.6})
    monkeypatch.setattr(rates, "coverage", lambda setting, studies: narrow)
    said = []
    assert not rates.print_rates(said.append, studies=100)
    assert said[-1] == "a rate DISAGREES with what is promised"


def test_rates_of_a_handful_of_studies_are_refused():
    with pytest.raises(InputError, match="at least 100 studies, but --studies is 20"):
        rates.print_rates(print, studies=20)

"""Commands that look meet a study that only Optuna knows."""

import re
from pathlib import Path

import optuna
import pytest
from command_line import DATABASE, call
from optuna.distributions import CategoricalDistribution
from optuna.trial import create_trial

SITES = {"a": CategoricalDistribution(("conv", "lc"))}


@pytest.fixture
def study() -> optuna.Study:
    made = optuna.create_study(study_name="own", storage=f"sqlite:///{DATABASE}", direction="minimize")
    for token, value in (("conv", 3.0), ("conv", 3.2), ("lc", 1.0), ("lc", 1.1)):
        made.add_trial(create_trial(params={"a": token}, distributions=SITES, value=value))
    return made


def test_its_effects_are_shown_as_gains(study: optuna.Study) -> None:
    said = call("show", "own").out
    assert "own: a study of Optuna's own; 4 trials, 4 ended" in said
    assert "lower is better" in said
    assert "+2.05" in said
    assert "accuracy" not in said


def test_it_has_a_report_and_a_power(study: optuna.Study) -> None:
    call("report", "own", "--metric", "RMSE", "-o", "own.html")
    page = Path("own.html").read_text(encoding="utf-8")
    words = re.sub(r"(?s)<script.*?</script>", "", page)
    assert "reduction of RMSE" in words
    assert "accuracy" not in words.lower()
    said = call("power", "own", "--table", "--metric", "RMSE").out
    assert "smallest effect on RMSE that is found" in said


@pytest.mark.parametrize("line", ["cards own -o cards", "confirm own", "resume own"])
def test_what_is_not_for_it_says_what_is(study: optuna.Study, line: str) -> None:
    done = call(*line.split())
    assert done.code == 2
    assert "lrlc-nas show" in done.err

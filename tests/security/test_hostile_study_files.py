"""A study file of a stranger: too much of anything is one line and exit code 2, and nothing waits or fills up."""

from pathlib import Path

import pytest
from poison import assert_refused, call

from lrlc_nas.config import load_config
from tests.reliability.study_files import OVERRIDES, STUDY_FILES


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("text", "message"), STUDY_FILES.values(), ids=STUDY_FILES)
@pytest.mark.parametrize("verb", ["start", "sites"])
def test_one_line_says_what_and_where(tmp_path: Path, verb: str, text: str, message: str) -> None:
    (tmp_path / "study.toml").write_text(text, errors="surrogateescape")
    done = call(verb, "study.toml")
    assert_refused(done, message)
    assert "study.toml: " in done.err
    assert len(done.err) < 2000
    assert [path.name for path in tmp_path.iterdir()] == ["study.toml"]


@pytest.mark.parametrize(("word", "message"), OVERRIDES.values(), ids=OVERRIDES)
def test_overrides_too(tmp_path: Path, word: str, message: str) -> None:
    assert_refused(call("start", "--set", word), message)
    assert list(tmp_path.iterdir()) == []


def test_an_endless_file_is_not_read_to_its_end() -> None:
    assert_refused(call("start", "/dev/zero"), "/dev/zero: a study file has at most 1,048,576 bytes")


def test_the_largest_file_is_read(tmp_path: Path) -> None:
    text = "seed = 7\n#"
    (tmp_path / "study.toml").write_text(text + "x" * (2**20 - len(text)))
    assert load_config(tmp_path / "study.toml").seed == 7


@pytest.mark.parametrize("number", ["1e-3", "1E-3", "0.001", "1.0e-3", "1_0e-4"])
def test_numbers_may_be_written_as_people_do(tmp_path: Path, number: str) -> None:
    (tmp_path / "study.toml").write_text(f"[recipe]\nlearning_rate = {number}\n")
    assert load_config(tmp_path / "study.toml").recipe.learning_rate == 0.001
    assert load_config(None, [f"recipe.learning_rate={number}"]).recipe.learning_rate == 0.001


def test_words_are_words_and_never_truths(tmp_path: Path) -> None:
    """As YAML would have it."""
    (tmp_path / "study.toml").write_text("name = 'no'\n")
    assert load_config(tmp_path / "study.toml").name == "no"
    (tmp_path / "study.toml").write_text("[recipe]\nflip = 'no'\n")
    assert_refused(call("start", "study.toml"), "flip")


def test_nothing_in_it_is_a_variable(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text("name = '${HOME} {0} %(x)s'\n")
    assert load_config(tmp_path / "study.toml").name == "${HOME} {0} %(x)s"

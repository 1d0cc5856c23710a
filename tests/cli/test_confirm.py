"""The way of a user after the search: power, confirm, show, cards, test."""

import json
import re
import shlex
import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from command_line import DATABASE, Finished, call, query

CLAIM = ("--site", "conv3", "--choice", "lc")


@pytest.fixture
def here(tmp_path: Path, finished: Finished) -> Path:
    """A copy of the finished search in the current folder."""
    shutil.copytree(finished.folder, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture(scope="module")
def confirmed(tmp_path_factory: pytest.TempPathFactory, finished: Finished) -> Path:
    """The search with a confirmation of two seeds, which was stopped and went on as it was told to."""
    folder = tmp_path_factory.mktemp("confirmed")
    shutil.copytree(finished.folder, folder, dirs_exist_ok=True)
    elsewhere = ("--storage", f"sqlite:///{folder / DATABASE}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.delenv("LRLC_NAS_STORAGE", raising=False)
        with patch.context() as stop:
            stop.setattr("lrlc_nas.engine.launchers.LocalWorkers.run", lambda *_: signal.raise_signal(signal.SIGINT))
            stopped = call("confirm", "small", *CLAIM, "--seeds", "2", *elsewhere, folder=folder)
        (folder / "stopped.txt").write_text(stopped.out + stopped.err)
        line = stopped.out.splitlines()[-1].removeprefix("stopped; resume with: ")
        done = call(*shlex.split(line)[1:], folder=folder)
    assert (done.code, done.err) == (0, "")
    (folder / "out.txt").write_text(done.out)
    return folder


def test_confirm_trains_every_arm_and_ends_with_verdicts(confirmed: Path) -> None:
    out = (confirmed / "out.txt").read_text()
    arms = {plan for (plan,) in query(confirmed, "SELECT plan FROM nas_run WHERE stage = 1")}
    assert '{"conv3":"lc"}' in arms
    assert "{}" in arms
    states = query(confirmed, "SELECT DISTINCT state FROM nas_run WHERE stage = 1")
    assert states == [("complete",)]
    assert f"confirmation of small: 2 of 2 seeds for each of {len(arms)} arms, 0 runs to go, look 1" in out
    assert re.search(r"^conv3: lc (is undecided|is equivalent|helps|hurts)", out, flags=re.MULTILINE)
    for control in ("coord", "lrlc-1", "wide-"):
        assert control in out
    assert "the test split was never opened" in out
    assert f"report: {confirmed / 'small-report.html'}\n" in out
    assert "conv3: lc" in (confirmed / "small-report.html").read_text()
    assert f"next: lrlc-nas cards -o cards --storage sqlite:///{confirmed / DATABASE} small\n" in out
    assert "next: lrlc-nas test" not in out  # there is nothing to test


def test_going_on_with_a_finished_confirmation_repeats_its_verdicts(confirmed: Path) -> None:
    before = query(confirmed, "SELECT * FROM nas_run")
    done = call("confirm", "small", folder=confirmed)
    assert (done.code, done.err) == (0, "")
    assert "all 14 runs have ended; --seeds raises the total" in done.out
    assert "conv3: lc" in done.out
    assert query(confirmed, "SELECT * FROM nas_run") == before


def test_the_line_that_is_printed_at_a_stop_leads_to_the_verdicts(confirmed: Path) -> None:
    said = (confirmed / "stopped.txt").read_text()
    line = ["lrlc-nas", "confirm", "--storage", f"sqlite:///{confirmed / DATABASE}", "small"]
    assert shlex.split(said.splitlines()[-1].removeprefix("stopped; resume with: ")) == line


def test_resuming_a_confirmation_by_its_own_name_ends_as_confirm_does(confirmed: Path) -> None:
    done = call("resume", "small/confirmation", folder=confirmed)
    assert (done.code, done.err) == (0, "")
    assert done.out == call("confirm", "small", folder=confirmed).out


def test_show_and_list_know_it(confirmed: Path) -> None:
    shown = call("show", "small/confirmation", folder=confirmed)
    assert shown.code == 0
    assert "confirmation of small" in shown.out
    assert "effect against conv" not in shown.out
    assert "small/confirmation" in call("list", folder=confirmed).out


def test_cards_tell_all_that_a_claim_rests_on(confirmed: Path, tmp_path: Path) -> None:
    done = call("cards", "small", "-o", str(tmp_path / "cards"), folder=confirmed)
    assert (done.code, done.err) == (0, "")
    written = [Path(line) for line in done.out.splitlines()]
    assert [path.name for path in written] == ["claim-1-conv3-lc.md", "claim-1-conv3-lc.json"]
    facts = json.loads(written[1].read_text())
    assert facts["claim"] == "conv3: lc"
    assert facts["looks_at_the_test_split"] == 0
    assert "small" in facts["command"]


def test_the_test_images_stay_sealed_while_nothing_is_confirmed(confirmed: Path) -> None:
    # With two seeds and nine cells no difference between networks of this size can be confirmed.
    done = call("test", "small", folder=confirmed)
    assert done.code == 2
    assert done.err.startswith("Error: study 'small' has nothing to test: no claim of it helps; the test split")
    assert query(confirmed, "SELECT count(*) FROM nas_test_opening") == [(0,)]


def make_the_claim_help(folder: Path) -> None:
    """Write scores of which the claim's are far above all others."""
    with closing(sqlite3.connect(folder / DATABASE)) as connection, connection:
        connection.execute(
            'UPDATE nas_run SET value = 0.3 + 0.6 * (plan = \'{"conv3":"lc"}\') + 0.001 * repeat '
            "+ 0.0001 * repeat * number WHERE stage = 1"
        )


def test_the_test_images_stay_sealed_while_a_stage_is_open(tmp_path: Path, confirmed: Path) -> None:
    shutil.copytree(confirmed, tmp_path, dirs_exist_ok=True)
    make_the_claim_help(tmp_path)
    assert call("confirm", "small", "--seeds", "3", "--workers", "0").code == 0
    assert "conv3: lc helps" in call("show", "small/confirmation").out
    done = call("test", "small")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "Error: the confirmation of study 'small' has 7 runs to go, and its verdicts may change; "
        "'lrlc-nas confirm small' trains them; the test split stays closed\n"
    )
    assert query(tmp_path, "SELECT count(*) FROM nas_test_opening") == [(0,)]


def test_power_says_what_can_be_seen(here: Path) -> None:
    done = call("power", "small")
    assert (done.code, done.err) == (0, "")
    assert "spread over seeds" in done.out
    assert "confirmation, first look, corrected for 6 cells" in call("power", "small", "--table").out


REFUSED = {
    "unknown study": ("confirm none", "no study 'none'"),
    "site without choice": ("confirm small --site conv3", "--site and --choice go together"),
    "unknown site": ("confirm small --site conv9 --choice lc", "unknown site 'conv9'; the sites are conv1"),
    "unknown choice": ("confirm small --site conv3 --choice best", "unknown choice 'best'"),
    "not looked at": ("confirm small --site conv3 --choice lrlc-9", "lrlc-9 at conv3 is not in the space"),
    "no plan": ("confirm small --plan conv3", "--plan 'conv3': required is SITE=CHOICE"),
    "the host": ("confirm small --plan conv3=conv", "is the untouched host"),
    "one seed": ("confirm small --seeds 1", "Invalid value for '--seeds'"),
    "no effect": ("confirm small --site conv3 --choice lc --smallest-effect 0", "smallest_effect must be above 0"),
    "test too soon": ("test small", "study 'small' has no confirmation yet"),
    "cards too soon": ("cards small -o cards", "study 'small' has no confirmation yet"),
    "power of nothing": ("power none", "no study 'none'"),
}


@pytest.mark.parametrize(("words", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_confirmed_is_one_clear_line(here: Path, words: str, message: str) -> None:
    before = query(here, "SELECT name FROM nas_study")
    done = call(*words.split())
    assert done.code == 2
    assert done.err.startswith("Error: ")
    assert done.err.count("\n") == 1
    assert message in done.err
    assert query(here, "SELECT name FROM nas_study") == before


SETTLED = {
    "another claim": ("--site conv1 --choice lc", "its claims were settled before the first look"),
    "another effect": ("--smallest-effect 1", "was settled as 0.3 points before its first look"),
    "fewer seeds": ("--seeds 2 --smallest-effect 0.4", "cannot become 0.4"),
}


@pytest.mark.parametrize(("words", "message"), SETTLED.values(), ids=SETTLED)
def test_what_was_settled_stays(confirmed: Path, words: str, message: str) -> None:
    done = call("confirm", "small", *words.split(), folder=confirmed)
    assert done.code == 2
    assert message in done.err


def test_its_total_is_raised_by_seeds_alone(confirmed: Path) -> None:
    done = call("resume", "small/confirmation", "--trials", "99", folder=confirmed)
    assert done.code == 2
    assert "'lrlc-nas confirm small --seeds N' adds seeds to it" in done.err


def test_a_search_is_confirmed_beside_a_study_with_the_name_of_its_confirmation(
    tmp_path: Path, study_file: Path
) -> None:
    for line in (
        ("start", str(study_file), "--name", "small/confirmation", "--workers", "0"),
        ("start", str(study_file), "--workers", "0"),
        ("confirm", "small", *CLAIM, "--seeds", "2", "--workers", "0"),
    ):
        done = call(*line)
        assert (done.code, done.err) == (0, ""), line
    parents = query(tmp_path, "SELECT name, parent_study_id FROM nas_study ORDER BY study_id")
    assert parents == [("small/confirmation", None), ("small", None), ("small/confirmation-2", 2)]
    shown = {name: call("show", name) for name, _ in parents}
    assert all((done.code, done.err) == (0, "") for done in shown.values())
    assert "confirmation of small" in shown["small/confirmation-2"].out
    assert "confirmation of" not in shown["small/confirmation"].out

"""The security set: whatever a stranger got through would be seen. That nobody does is in `test_findings`."""

import sys
from dataclasses import replace

import pytest
import torch

from lrlc_nas.errors import LrlcNasError
from lrlc_nas.runs import checkpoints
from tests.reliability import canary, commands, door, parts, poison, rows, study_files
from tests.reliability.attacks import Attack, Attacks
from tests.reliability.canary import CANARY, look_for_password
from tests.reliability.commands import Command, Done, run_commands
from tests.reliability.door import knock
from tests.reliability.findings import Finding
from tests.reliability.poison import DISGUISES
from tests.reliability.rows import look_at_rows
from tests.reliability.study_files import read_study_files
from tests.reliability.weights import load_weights

GOOD = Attacks(2, "2 refused", {"executed": 0}, [])
REFUSAL = Done(2, "", "Error: it is too deep\n")

UNESCAPED = """
from lrlc_nas.report import page
environment = page.Environment
page.Environment = lambda **options: environment(**{**options, "autoescape": False})
"""
"""Pages that take words for markup."""

OPEN = """
from a2wsgi import WSGIMiddleware
from optuna_dashboard import wsgi
from lrlc_nas.cli import main
from lrlc_nas.dashboard import server
server.application = lambda store, storage, **options: WSGIMiddleware(wsgi(storage))
main()
"""
"""Optuna's dashboard with nobody at the door."""


def test_weights_are_passed_over(tmp_path):
    told = "16 passed over with a warning"
    assert load_weights(tmp_path) == Attacks(4 * len(DISGUISES), told, {"executed": 0}, [])


def test_weights_that_ran_would_be_seen(tmp_path, monkeypatch):
    """An archive with the right hash meets nobody but the loader."""
    load = torch.load
    monkeypatch.setattr(torch, "load", lambda file, **options: load(file, **options | {"weights_only": False}))
    done = load_weights(tmp_path)
    assert done.nought == {"executed": 2}
    assert done.wrong == ["archive, the right SHA-256, newest", "archive, the right SHA-256, all"]


def test_weights_that_nobody_is_told_of_would_be_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints._LOG, "warning", lambda *words: None)
    done = load_weights(tmp_path)
    assert (done.nought, len(done.wrong)) == ({"executed": 0}, 16)


@pytest.mark.slow  # of the programme, not of the package
def test_study_files_that_are_taken_would_be_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(study_files, "STUDY_FILES", {"harmless": ("name = 'harmless'", "not TOML")})
    monkeypatch.setattr(study_files, "OVERRIDES", {"word": ("seed=x", "another reason")})
    monkeypatch.setattr(study_files, "_VERBS", ("sites",))
    usual = study_files._attacks

    def attacks(folder):
        yield from usual(folder)
        yield Attack("none", Command(str(folder), ("start", "--workers", "0")), (0,))

    monkeypatch.setattr(study_files, "_attacks", attacks)
    done = read_study_files(tmp_path)
    assert (done.made, done.told) == (4, "2 refused with exit code 2")
    assert done.nought == {"files written": 1}
    assert done.wrong == [
        "harmless: sites ended otherwise, with exit code 0",
        "--set word: start ended otherwise, with exit code 2",
    ]


@pytest.mark.slow  # of the programme, not of the package
def test_rows_that_got_through_would_be_seen(tmp_path, monkeypatch):
    """By commands that trust them or write elsewhere, and on pages that take words for markup."""
    harmless = {"harmless": ("nas_run", "worker_id", "somebody")}
    for module in (rows, poison):
        monkeypatch.setattr(module, "ROWS", harmless)
    looking = (("report", rows.NAME, "--trust"), ("cards", rows.NAME, "-o", "../elsewhere"), ("show", "nobody"))
    monkeypatch.setattr(rows, "LOOKING", looking)
    monkeypatch.setattr(commands, "_PROGRAMME", UNESCAPED + commands._PROGRAMME)
    done = look_at_rows(tmp_path)
    assert done.nought["executed"] == 1
    assert done.nought["written outside"] >= 4  # the cards of two, in two files each, and what an import leaves
    assert done.nought["pages with markup"] == 1
    assert done.wrong == [f"{kind}: show ended otherwise, with exit code 2" for kind in ("words", "functions")]


@pytest.mark.slow  # of the programme, not of the package
def test_rows_that_nobody_refuses_would_be_seen(tmp_path, monkeypatch):
    harmless = {"harmless": ("nas_run", "worker_id", "somebody")}
    for module in (rows, poison):
        monkeypatch.setattr(module, "ROWS", harmless)
    monkeypatch.setattr(rows, "LOOKING", (("list",),))
    done = look_at_rows(tmp_path)
    assert done.wrong == ["harmless was refused by none"]
    assert set(done.nought.values()) == {0}


def test_requests_that_are_let_in_would_be_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(door, "_DASHBOARD", (sys.executable, "-c", OPEN, "dashboard", "--port", "0"))
    done = knock(tmp_path)
    assert done.nought["studies fewer"] == 1
    assert done.nought["files changed"] == 1
    assert "DELETE with no secret was answered with 204" in done.wrong
    assert "host evil.example was answered with 302" in done.wrong


def test_a_dashboard_that_does_not_start_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(door, "_DASHBOARD", (sys.executable, "-c", "raise SystemExit('no port')"))
    with pytest.raises(LrlcNasError, match=r"^the dashboard ended with exit code 1: no port$"):
        knock(tmp_path)


@pytest.mark.slow  # of the programme, not of the package
def test_a_password_that_is_told_would_be_seen(tmp_path, monkeypatch):
    (tmp_path / "log").write_text(f"connecting with {CANARY}")
    monkeypatch.setattr(canary, "URLS", canary.URLS[:1])
    monkeypatch.setattr(canary, "COMMANDS", (("list",), (f"list-{CANARY}",), ("--version",)))
    done = look_for_password(tmp_path)
    assert (done.made, done.told) == (3, "2 refused with exit code 2")
    assert done.nought == {"times in their words": 1, "in files": 1, "in command lines": 1}
    assert done.wrong == ["--version ended otherwise, with exit code 0"]


@pytest.mark.slow  # of the programme, not of the package
def test_its_servers_do_not_answer(tmp_path, monkeypatch):
    """That is why the commands are refused, not for want of a driver."""
    sessions = []

    def run(*arguments, **variables):
        sessions.append(run_commands(*arguments, **variables))
        return sessions[-1]

    monkeypatch.setattr(canary, "run_commands", run)
    monkeypatch.setattr(canary, "COMMANDS", (("list",),))
    assert look_for_password(tmp_path).survived
    assert len(sessions) == len(canary.URLS)
    assert all("the database does not answer: " in session.done[0].err for session in sessions)


def test_commands_are_run_each_where_it_is_typed(tmp_path, monkeypatch):
    """And with no variable that leads to another database."""
    monkeypatch.setenv("LRLC_NAS_STORAGE", "nothing")
    monkeypatch.setattr(commands, "_PROGRAMME", f"print('beside')\n{commands._PROGRAMME}")
    (tmp_path / "a").mkdir()
    typed = [Command(str(tmp_path), ("list",)), Command(str(tmp_path / "a"), ("start", "b.toml"))]
    session = run_commands(typed)
    assert [done.code for done in session.done] == [0, 2]
    assert session.done[0].is_plain
    assert session.done[1].is_refusal("b.toml")
    assert session.rest == "beside"


def test_a_process_that_dies_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(commands, "_PROGRAMME", "raise SystemExit('no memory')")
    with pytest.raises(LrlcNasError, match=r"^the process of the commands ended with exit code 1: no memory$"):
        run_commands([Command(str(tmp_path), ("list",))])


@pytest.mark.parametrize(
    ("done", "refused", "plain"),
    [
        (REFUSAL, True, True),
        (Done(2, "", "Error: it is too long\n"), False, True),
        (Done(2, "some of it", REFUSAL.err), False, True),
        (Done(1, "", REFUSAL.err), False, True),
        (Done(0, "", ""), False, True),
        (Done(0, "", REFUSAL.err), False, False),
        (Done(2, "", f"{REFUSAL.err}and more\n"), False, False),
        (Done(2, "", "Traceback: too deep\n"), False, False),
        (Done(2, "\x1b[2J", REFUSAL.err), False, False),
        (Done(2, "", REFUSAL.err.replace("deep", "deep" * 999)), False, True),
    ],
)
def test_a_refusal_is_one_line_and_exit_code_2(done, refused, plain):
    assert (done.is_refusal("too deep"), done.is_plain) == (refused, plain)


@pytest.mark.parametrize(
    ("done", "met", "held", "seen"),
    [
        (GOOD, True, 2, "2 refused; 0 executed"),
        (replace(GOOD, made=0), False, 0, "2 refused; 0 executed"),
        (replace(GOOD, nought={"executed": 0, "leaked": 1}), False, 2, "2 refused; 0 executed, 1 leaked"),
        (replace(GOOD, wrong=["yaml"]), False, 1, "2 refused; 0 executed; yaml"),
    ],
)
def test_a_finding_says_what_was_tried_and_what_came_of_it(done, met, held, seen, tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "STRANGERS", {"rows": ("SQLite", lambda folder: done)})
    assert parts.strangers("rows", tmp_path) == Finding("SQLite", "rows", done.made, done.made, held, seen, met)

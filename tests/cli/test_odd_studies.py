"""Studies that went wrong in every way: the commands, the report and the live pages say so in a clear sentence."""

import html
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import torch
from command_line import DATABASE, Done, call
from odd_studies import ODD_CONFIRMATIONS, ODD_SEARCHES, claim_something, confirm_oddly, end_oddly
from slow_cases import mostly_slow
from starlette.testclient import TestClient

from lrlc_nas.config import load_config
from lrlc_nas.dashboard.application import application
from lrlc_nas.dashboard.guard import ENTRANCE
from lrlc_nas.dashboard.optuna_pages import open_storage
from lrlc_nas.engine import Worker, start_study
from lrlc_nas.store import Store

TOKEN = "t" * 32

SEARCHES = {
    "no run finished": (
        "No run has finished yet, so that this screening shows nothing so far.",
        "none of its runs is complete; --site and --choice name one anyway",
    ),
    "one run only": (
        "No effect is estimable yet: the finished runs do not separate any choice from another.",
        "its only complete run shows no gain over conv that chance would not show as well",
    ),
    "one seed of the host": ("the host reached 50.00 % (one seed).", None),
    "all pruned": (
        "No run is complete (8 pruned), so that this screening shows nothing.",
        "none of its runs is complete",
    ),
    "all failed": (
        "No run is complete (8 failed), so that this screening shows nothing.",
        "none of its runs is complete",
    ),
    "all diverged": (
        "No run is complete (8 diverged), so that this screening shows nothing.",
        "none of its runs is complete",
    ),
}
"""What the report says, and what `confirm` says that has nothing to confirm."""

CONFIRMATIONS = {
    "no run ended": (
        "A confirmation is under way: 0 of its 14 runs have ended, and nothing is confirmed or refuted so far.",
        "no stage has ended yet",
    ),
    "no whole seed": (
        "without a verdict: conv3: lc: no seed completed in the host and a claim.",
        "no seed completed in the host and a claim",
    ),
    "the host failed": ("without a verdict: conv3: lc: no run of the host was completed.", "no run of the host was"),
    "the host diverged": ("without a verdict: conv3: lc: no run of the host was completed.", "no run of the host was"),
    "the claim failed": ("without a verdict: conv3: lc: no run of it was completed.", "no run of it was completed"),
    "the claim diverged once": (
        "(1 of its 2 runs did not complete, but none of the host's, so the others may favour it)",
        "conv3=lc: 1 of 2 runs did not complete (1 diverged)",
    ),
    "one whole seed": ("No claim is confirmed on 1 fresh seed: conv3: lc is undecided", "undecided"),
    "all failed": (
        "without a verdict: conv3: lc: no run of the host was completed.",
        "no run of the host was completed",
    ),
}
"""What the report says, and what `show`, `confirm` and the card say."""


@pytest.fixture(autouse=True)
def _no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def began(*_: object) -> None:
        raise AssertionError("what had to be refused began to train")

    monkeypatch.setattr("lrlc_nas.engine.launchers.LocalWorkers.run", began)


@pytest.fixture(scope="module")
def claimed(tmp_path_factory: pytest.TempPathFactory, untrained: bytes) -> bytes:
    """The database of a confirmation that nobody has trained."""
    folder = tmp_path_factory.mktemp("claimed")
    (folder / DATABASE).write_bytes(untrained)
    claim_something(folder)
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        return connection.serialize()


@pytest.mark.parametrize("name", mostly_slow(ODD_SEARCHES, *ODD_SEARCHES.keys() - {"all pruned", "all failed"}))
def test_an_odd_search_is_told_in_sentences(tmp_path: Path, untrained: bytes, name: str) -> None:
    (tmp_path / DATABASE).write_bytes(untrained)
    end_oddly(tmp_path, ODD_SEARCHES[name])
    sentence, refusal = SEARCHES[name]
    assert "not estimable yet" in succeeded(call("show", "small")).out
    assert sentence in report()
    live, *_ = live_pages(
        tmp_path, "/studies/1/report", "/", "/studies/1", "/studies/1/trials/0", "/studies/1/trials/7"
    )
    assert sentence in words(live)
    assert "'lrlc-nas report small' draws them" in words(live)  # the maps of space, which take long
    assert_refused(call("power", "small"), "or at least 2 complete runs of the untouched host, but there")
    for line in ("cards small -o cards", "test small"):
        assert_refused(call(*line.split()), "study 'small' has no confirmation yet; 'lrlc-nas confirm' trains")
    if refusal is not None:
        assert_refused(call("confirm", "small"), f"study 'small': there is nothing to confirm: {refusal}")
    if not name.startswith("one "):
        assert_refused(call("export", "small", "-o", "best"), "study 'small' has no completed run to export")


@pytest.mark.parametrize(
    "name",
    mostly_slow(
        ODD_CONFIRMATIONS,
        "no run ended",
        "no whole seed",
        "the host failed",
        "the claim diverged once",
        "one whole seed",
    ),
)
def test_an_odd_confirmation_is_told_in_sentences(tmp_path: Path, claimed: bytes, name: str) -> None:
    (tmp_path / DATABASE).write_bytes(claimed)
    confirm_oddly(tmp_path, ODD_CONFIRMATIONS[name])
    sentence, reason = CONFIRMATIONS[name]
    assert sentence in report()
    assert reason in succeeded(call("show", "small/confirmation")).out
    if name != "no run ended":  # it would go on
        assert reason in succeeded(call("confirm", "small")).out
    card = Path(succeeded(call("cards", "small", "-o", "cards")).out.splitlines()[0])
    assert reason in card.read_text()
    why = (
        "the confirmation of study 'small' has 14 runs to go"
        if name == "no run ended"
        else "study 'small' has nothing to test"
    )
    assert_refused(call("test", "small"), f"{why}.*; the test split stays closed")
    of_search, of_confirmation, *_ = live_pages(
        tmp_path, "/studies/1/report", "/studies/2/report", "/studies/1", "/studies/2", "/studies/2/trials/0"
    )
    assert sentence in words(of_search)
    assert of_confirmation == of_search


def test_networks_that_diverge_for_real_are_told_as_such(tmp_path: Path, study_file: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / DATABASE}")
    study = start_study(store, load_config(study_file, ["recipe.learning_rate=1e30"]))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    Worker(store, study.record, study.prepared, device="cpu").work()
    torch.set_num_threads(threads)
    reasons = {run.reason for run in store.runs(study.record)}
    store.engine.dispose()
    assert all(reason.startswith("diverged: ") for reason in reasons), reasons
    text = report()
    assert SEARCHES["all diverged"][0] in text
    assert all(reason in text for reason in reasons)
    assert_refused(call("confirm", "small"), "none of its runs is complete")


def succeeded(done: Done) -> Done:
    assert (done.code, done.err) == (0, "")
    return done


def assert_refused(done: Done, message: str) -> None:
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Error: ")
    assert done.err.count("\n") == 1
    assert re.search(message, done.err), done.err


def report() -> str:
    """The words of the report that the command writes; none of its pictures may be empty."""
    path = Path(succeeded(call("report", "small")).out.strip())
    page = path.read_text(encoding="utf-8")
    assert_no_empty_picture(page)
    return words(page)


def live_pages(folder: Path, *paths: str) -> list[str]:
    """Pages of the dashboard, all of which have to be there, and none of their pictures empty."""
    store = Store(f"sqlite:///{folder / DATABASE}")
    storage = open_storage(store)
    client = TestClient(
        application(store, storage, token=TOKEN), base_url="http://127.0.0.1", raise_server_exceptions=False
    )
    client.get(ENTRANCE, params={"token": TOKEN})
    answers = [client.get(path) for path in paths]
    client.close()
    storage.engine.dispose()
    store.engine.dispose()
    assert [answer.status_code for answer in answers] == [200] * len(paths)
    for answer in answers:
        assert_no_empty_picture(answer.text)
    return [answer.text for answer in answers]


def words(page: str) -> str:
    shown = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", shown)).split())


def assert_no_empty_picture(page: str) -> None:
    """A picture shows something, and where there is none there are words."""
    assert "Traceback" not in page
    for figure in re.findall(r"<figure>(.*?)</figure>", page, flags=re.DOTALL):
        drawings = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', figure, flags=re.DOTALL)
        assert all(numbers(json.loads(drawing)) for drawing in drawings)
        assert drawings or re.search(r"<p[^>]*>\s*[A-Z][^<]{20,}\.\s*</p>", figure), figure


def numbers(drawing: dict[str, list[dict[str, object]]]) -> list[float]:
    """All that a drawing shows."""
    return [
        value
        for trace in drawing["data"]
        for axis in ("x", "z")
        for value in flat(trace.get(axis, []))
        if isinstance(value, int | float)
    ]


def flat(values: object) -> Iterator[object]:
    if isinstance(values, list):
        for value in values:
            yield from flat(value)
    else:
        yield values

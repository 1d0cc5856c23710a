"""A report is drawn once for each version, in the background, and the last one is there meanwhile."""

import gzip
import threading

import pytest

from lrlc_nas.dashboard.reports import Reports
from lrlc_nas.errors import InputError


class Draughtsman:
    """Draws numbered pages, each when it is told to; `begun` counts the names that it was asked for."""

    def __init__(self):
        self.begun = []
        self.may_end = threading.Semaphore(0)
        self.trouble = None

    def __call__(self, store, name):
        self.begun.append(name)
        assert self.may_end.acquire(timeout=30)
        if self.trouble is not None:
            raise self.trouble
        return f"{name} {len(self.begun)}"


@pytest.fixture
def draughtsman():
    return Draughtsman()


@pytest.fixture
def reports(draughtsman, monkeypatch):
    monkeypatch.setattr("lrlc_nas.dashboard.reports._REST", 0.0)
    yield Reports(None, draughtsman)
    draughtsman.may_end.release(100)


def text(drawn):
    return gzip.decompress(drawn.page).decode()


def until(condition):
    tick = threading.Event()
    for _ in range(3000):
        if condition():
            return
        tick.wait(0.01)
    raise AssertionError("it did not come to that")


def test_the_first_is_waited_for(reports, draughtsman):
    assert reports.newest("a", "1") is None
    draughtsman.may_end.release()
    drawn = reports.wait("a", "1")
    assert (text(drawn), drawn.version, drawn.error) == ("a 1", "1", "")


def test_waiting_ends(reports):
    assert reports.wait("a", "1", seconds=0.01) is None


def test_one_version_is_drawn_once_however_often_it_is_asked_for(reports, draughtsman):
    for _ in range(20):
        reports.newest("a", "1")
    draughtsman.may_end.release(5)
    drawn = reports.wait("a", "1")
    assert all(reports.newest("a", "1") is drawn for _ in range(20))
    draughtsman.may_end.release()
    assert text(reports.wait("b", "1")) == "b 2"
    assert draughtsman.begun == ["a", "b"]


def test_the_old_one_is_there_while_the_new_one_is_drawn(reports, draughtsman):
    draughtsman.may_end.release()
    reports.wait("a", "1")
    assert reports.wait("a", "2").version == "1"
    assert reports.newest("a", "3").version == "1"
    draughtsman.may_end.release(2)
    until(lambda: reports.newest("a", "3").version == "3")


def test_a_study_with_nothing_to_show_goes_first(reports, draughtsman):
    draughtsman.may_end.release()
    reports.wait("b", "1")
    reports.newest("a", "1")
    until(lambda: draughtsman.begun == ["b", "a"])
    reports.newest("b", "2")
    reports.newest("c", "1")
    draughtsman.may_end.release(3)
    until(lambda: len(draughtsman.begun) == 4)
    assert draughtsman.begun == ["b", "a", "c", "b"]


def test_resting_does_not_keep_another_study_waiting(draughtsman, monkeypatch):
    monkeypatch.setattr("lrlc_nas.dashboard.reports._REST", 1e9)
    reports = Reports(None, draughtsman)
    draughtsman.may_end.release(2)
    reports.wait("a", "1")
    assert text(reports.wait("b", "1", seconds=30)) == "b 2"


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (InputError("no such study"), "no such study"),
        (ZeroDivisionError("x"), r"could not be drawn (ZeroDivisionError)"),
    ],
)
def test_trouble_is_said_and_ends_with_the_next_version(reports, draughtsman, trouble, said, caplog):
    draughtsman.trouble = trouble
    draughtsman.may_end.release()
    drawn = reports.wait("a", "1")
    assert said in drawn.error
    assert drawn.page == b""
    assert ("a" in caplog.text) == (not isinstance(trouble, InputError))
    draughtsman.trouble = None
    draughtsman.may_end.release()
    until(lambda: reports.newest("a", "2").error == "")


def test_few_are_kept(reports, draughtsman):
    draughtsman.may_end.release(100)
    for number in range(9):
        reports.wait(str(number), "1")
        reports.newest("0", "1")
    assert reports.newest("0", "1") is not None
    assert reports.newest("1", "1") is None

"""Servers that crash, come back, cut all connections or freeze while a study trains.

The long ones are among the slow tests: `pytest -m slow tests/servers`.
"""

import logging
import os
import subprocess
import sys
import time
import traceback
from contextlib import contextmanager
from threading import Thread

import psutil
import pytest
from slow_cases import mostly_on
from sqlalchemy import inspect

from lrlc_nas.engine import Worker, open_study
from lrlc_nas.errors import StorageError
from lrlc_nas.report import write_report
from lrlc_nas.store import Store, claim, renew
from tests.reliability.lives import begin
from tests.reliability.outages import Outage, cut, freeze, outwait, stop
from tests.reliability.promises import broken, recorded
from tests.reliability.servers import PASSWORD
from tests.reliability.toy import NAME, toy_config
from tests.reliability.waiting import wait_until

SLOW = pytest.mark.slow
ONCE = Outage(happened=1, broken=())


@pytest.fixture
def study(store, tmp_path):
    """A study of eight runs that nobody has trained yet."""
    start(store.url.render_as_string(hide_password=False), tmp_path)
    return open_study(store, NAME)


def start(url, folder, trials=8, epochs=3):
    (folder / "url").write_text(url)
    begin(folder, toy_config(trials, epochs)).store.engine.dispose()


@contextmanager
def process(command, environment, log):
    """A process that does not outlive the block, however that ends; its words go to a file."""
    with log.open("wb") as file:
        popen = subprocess.Popen(command, env=environment, stdout=file, stderr=file)
    try:
        yield popen
    finally:
        popen.kill()
        popen.wait()


@mostly_on("postgresql")
def test_a_server_that_crashes_costs_nothing(server, reference, tmp_path):
    assert stop(tmp_path / "study", server, 0.5, reference, tmp_path / "log") == ONCE
    said = (tmp_path / "log").read_text()
    assert said.count("the database does not answer") <= 1
    assert said.count("the database answers again") == said.count("the database does not answer")
    assert PASSWORD not in said


@SLOW
@pytest.mark.parametrize("seconds", [0, 3, 30])
def test_a_server_that_is_away_for_long_costs_nothing(server, reference, seconds, tmp_path):
    outage = stop(tmp_path / "study", server, seconds, reference, tmp_path / "log")
    assert outage == ONCE
    assert (outage.trained > 0) == (seconds > 0)
    said = (tmp_path / "log").read_text()
    assert said.count("the database does not answer") == (seconds > 0)
    assert said.count("the database answers again") == (seconds > 0)
    assert PASSWORD not in said
    if seconds:
        assert "WARNING:lrlc_nas:storage " in said
        assert f"://me:***@127.0.0.1:{server.port}/" in said


@mostly_on("postgresql")
@pytest.mark.parametrize("number", [3, pytest.param(20, marks=SLOW)])
def test_connections_that_are_cut_cost_nothing(server, reference, number, tmp_path):
    assert cut(tmp_path / "study", server, number, reference) == Outage(number, ())


@mostly_on("mariadb")
@pytest.mark.parametrize(("seconds", "lease"), [(4, 1.5), pytest.param(20, 4, marks=SLOW)])
def test_a_server_that_stands_still_leads_to_no_two_writers(server, reference, seconds, lease, tmp_path):
    assert freeze(tmp_path / "study", server, seconds, reference, lease) == ONCE


@SLOW
def test_a_worker_that_waits_takes_no_run_whose_holder_comes_back_too(server, reference, tmp_path):
    assert outwait(tmp_path / "study", server, 6, reference) == ONCE


@mostly_on("mariadb")
def test_who_has_outlasted_an_outage_leaves_holders_the_time_to_renew(server, store, study):
    held = claim(store, study.record, "holder", 1.0)
    others = [claim(store, study.record, "holder", 3600.0) for _ in range(7)]
    server.crash()
    found = []
    idle = store.retrying()
    waiting = Thread(target=lambda: found.append(claim(idle, study.record, "idle", 2.0)))
    waiting.start()
    time.sleep(2)
    server.start()
    waiting.join()
    assert found == [None], "its claim has run out, and it could not renew it"
    renew(store, held)
    assert claim(idle, study.record, "idle", 2.0) is None
    assert len(others) == 7
    time.sleep(1.1)
    taken = claim(idle, study.record, "idle", 2.0)
    assert (taken.run.number, taken.attempt) == (0, 2), "nobody has renewed it any more"


@mostly_on("postgresql")
def test_after_its_patience_a_worker_ends_with_one_clear_line_and_the_run_can_be_claimed(server, store, study, caplog):
    crashed = []

    def crash():
        if not crashed and recorded(store) >= 1:
            server.crash()
            crashed.append(True)
        return False

    message = r"^storage \w+\+\w+://me:\*\*\*@127.0.0.1:\d+/[\w ]+: the database does not answer for [12] s: [^\n]+$"
    worker = Worker(store, study.record, study.prepared, device="cpu", should_stop=crash, retry_seconds=1.0)
    with caplog.at_level(logging.DEBUG), pytest.raises(StorageError, match=message) as caught:
        worker.work()
    server.start()
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert PASSWORD not in shown
    assert "run 0: could not give back its claim: " in caplog.text
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE nas_run SET expires = 0 WHERE number = 0")
    held = claim(store, study.record, "me", 60.0)
    assert (held.run.number, held.run.state, held.run.attempt) == (0, "running", 2)


@mostly_on("mariadb")
def test_a_worker_that_is_asked_to_stop_during_an_outage_waits_no_longer(server, store, study):
    crashed = []

    def should_stop():
        if not crashed:
            server.crash()
            crashed.append(time.monotonic())
        return time.monotonic() > crashed[0] + 0.5

    worker = Worker(store, study.record, study.prepared, device="cpu", should_stop=should_stop)
    with pytest.raises(StorageError, match=r"the database does not answer( for 1 s)?: "):
        worker.work()
    server.start()


@SLOW
def test_a_supervised_study_outlasts_an_outage_and_keeps_its_password(postgresql, tmp_path):
    url = postgresql.new_database()
    start(url, tmp_path, trials=8, epochs=5)
    (tmp_path / "url").unlink()  # it holds the password, and is ours
    store, log = Store(url), tmp_path / "said"
    environment = os.environ | {"LRLC_NAS_STORAGE": url, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "lrlc_nas", "resume", NAME, "--device", "cpu", "--workers", "1"]
    with process(command, environment, log) as supervisor:
        wait_until(lambda: recorded(store) >= 3, log.read_text)
        postgresql.crash()
        family = [psutil.Process(supervisor.pid), *psutil.Process(supervisor.pid).children(recursive=True)]
        words = [word for member in family for word in member.cmdline()]
        time.sleep(2)
        postgresql.start()
        assert store.counts(store.study(NAME)).get("waiting"), "the outage came too late to disturb"
        assert supervisor.wait(120) == 0, log.read_text()
    assert len(family) >= 2
    assert broken(store) == []
    assert "the database answers again" in "".join(path.read_text() for path in tmp_path.rglob("worker-0.log"))
    write_report(store, NAME, tmp_path / "report.html")
    files = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert len(files) > 100_000
    for place in (" ".join(words), files.decode(errors="replace"), dump(store)):
        assert place
        assert PASSWORD not in place
    store.engine.dispose()


def dump(store):
    """All that the database holds, as text."""
    with store.engine.connect() as connection:
        tables = inspect(connection).get_table_names()
        rows = [connection.exec_driver_sql(f"SELECT * FROM {table}").all() for table in tables]
    return str(rows)

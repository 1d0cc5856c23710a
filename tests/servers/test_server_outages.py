"""Servers that crash, come back, or cut all connections while a study trains.

They are among the slow ones (`pytest -m slow tests/servers`): each waits for servers, and for workers that wait.
"""

import logging
import os
import subprocess
import sys
import time
import traceback

import psutil
import pytest
from database_servers import PASSWORD, wait_until
from server_lives import LEASE, begin, spawn, work
from sqlalchemy import inspect

from lrlc_nas.benchmarks.faults.lives import end
from lrlc_nas.benchmarks.faults.promises import broken, recorded, story
from lrlc_nas.benchmarks.faults.toy import NAME
from lrlc_nas.errors import StorageError
from lrlc_nas.report import write_report
from lrlc_nas.store import Store, claim
from lrlc_nas.study import Worker, open_study


pytestmark = pytest.mark.slow

STEP = 0.02


def epochs_of(store):
    return sum(run.epoch for run in store.runs(store.study(NAME)))


def go_through(server, seconds, undisturbed, log):
    """Let a worker train through an outage; what it has logged."""
    url = server.new_database()
    store = begin(Store(url), undisturbed)
    worker = spawn(work, url, STEP, str(log))
    wait_until(lambda: recorded(store) >= 2)
    server.crash()
    time.sleep(seconds)
    assert worker.is_alive()
    server.start()
    assert recorded(store) < epochs_of(undisturbed), "the outage came too late to disturb"
    assert end(worker) == 0
    assert broken(store) == []
    assert story(store) == story(undisturbed)
    assert {run.attempt for run in store.runs(store.study(NAME))} == {1}, "a run was begun again"
    store.engine.dispose()
    return log.read_text()


@pytest.mark.parametrize("seconds", [0, 2 * LEASE, 30])
def test_an_outage_costs_nothing_on_postgresql(postgresql, undisturbed, seconds, tmp_path):
    said = go_through(postgresql, seconds, undisturbed, tmp_path / "log")
    assert said.count("the database does not answer, waiting: ") <= 1
    assert said.count("the database answers again after") == said.count("the database does not answer")
    assert PASSWORD not in said
    if seconds:
        assert f"WARNING:lrlc_nas:storage postgresql+psycopg://me:***@127.0.0.1:{postgresql.port}/" in said


def test_an_outage_costs_nothing_on_mariadb(mariadb, undisturbed, tmp_path):
    said = go_through(mariadb, 2 * LEASE, undisturbed, tmp_path / "log")
    assert said.count("the database does not answer, waiting: ") == 1
    assert said.count("the database answers again after") == 1
    assert PASSWORD not in said


def test_connections_that_are_cut_cost_nothing(server, store, url, undisturbed):
    begin(store, undisturbed)
    worker = spawn(work, url, 3 * STEP)
    wait_until(lambda: recorded(store) >= 1)
    store.engine.dispose()
    cuts = 0
    while cuts < 20:
        assert worker.is_alive(), f"it ended after {cuts} cuts"
        cuts += server.cut() > 0
        time.sleep(0.05)
    assert end(worker) == 0
    assert broken(store) == []
    assert story(store) == story(undisturbed)
    assert {run.attempt for run in store.runs(store.study(NAME))} == {1}


def test_after_its_patience_a_worker_ends_with_one_clear_line_and_the_run_can_be_claimed(
    server, store, undisturbed, caplog
):
    begin(store, undisturbed)
    study = open_study(store, NAME)
    crashed = []

    def crash():
        if not crashed and recorded(store) >= 1:
            server.crash()
            crashed.append(True)
        return False

    message = r"^storage \w+\+\w+://me:\*\*\*@127.0.0.1:\d+/[\w ]+: the database does not answer for [12] s: [^\n]+$"
    worker = Worker(store, study.record, study.prepared, device="cpu", should_stop=crash, patience=1.0)
    with caplog.at_level(logging.DEBUG), pytest.raises(StorageError, match=message) as caught:
        worker.work()
    server.start()
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert PASSWORD not in shown
    assert "run 0: could not give back its claim: " in caplog.text
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE nas_run SET expires = 0 WHERE slot = 0")
    held = claim(store, study.record, "me", 60.0)
    assert (held.run.slot, held.run.state, held.run.attempt) == (0, "running", 2)


def test_a_worker_that_is_asked_to_stop_during_an_outage_waits_no_longer(server, store):
    begin(store)
    study = open_study(store, NAME)
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


def test_a_supervised_study_outlasts_an_outage_and_keeps_its_password(postgresql, tmp_path):
    url = postgresql.new_database()
    store = begin(Store(url), trials=8, epochs=5)
    environment = os.environ | {"LRLC_NAS_STORAGE": url, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "lrlc_nas", "resume", NAME, "--device", "cpu", "--workers", "1"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        wait_until(lambda: recorded(store) >= 3, lambda: process.poll())
        postgresql.crash()
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        words = [word for member in family for word in member.cmdline()]
        time.sleep(2)
        postgresql.start()
        assert store.counts(store.study(NAME)).get("waiting"), "the outage came too late to disturb"
        said = process.communicate(timeout=120)[0].decode()
    assert process.returncode == 0, said
    assert len(family) >= 2
    assert broken(store) == []
    assert "the database answers again" in "".join(
        path.read_text() for path in tmp_path.rglob("worker-0.log")
    )
    write_report(store, NAME, tmp_path / "report.html")
    files = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert len(files) > 100_000
    for place in (said, " ".join(words), files.decode(errors="replace"), dump(store)):
        assert place
        assert PASSWORD not in place
    store.engine.dispose()


def dump(store):
    """All that the database holds, as text."""
    with store.engine.connect() as connection:
        tables = inspect(connection).get_table_names()
        rows = [connection.exec_driver_sql(f"SELECT * FROM {table}").all() for table in tables]
    return str(rows)

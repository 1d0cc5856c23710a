"""The servers themselves: free of what lies around, safe to crash, gone when they are not needed any more."""

import socket
import time
from pathlib import Path

import psutil
import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from lrlc_nas.errors import InputError, LrlcNasError
from tests.reliability import server as server_module
from tests.reliability import servers
from tests.reliability.places import store_in
from tests.reliability.servers import SERVERS, MariaDB, PostgreSQL, running
from tests.reliability.waiting import wait_until


def test_what_was_committed_outlives_a_crash(server, store):
    with store.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE kept (number INTEGER)")
        connection.exec_driver_sql("INSERT INTO kept VALUES (7)")
    server.crash()
    with pytest.raises(OperationalError):
        server.execute("SELECT 1")
    server.start()
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT number FROM kept").scalar_one() == 7


def test_a_new_database_brings_a_crashed_server_back(server):
    server.crash()
    url = server.new_database()
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:").replace("mysql:", "mysql+pymysql:"))
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1
    engine.dispose()


def test_all_connections_of_others_are_cut(server, store):
    with store.engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
        assert server.cut() >= 1
        with pytest.raises(OperationalError):
            connection.exec_driver_sql("SELECT 1")
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1


def test_a_frozen_server_answers_nobody_and_then_everybody(server):
    with server.frozen():
        family = [psutil.Process(server._process.pid)]
        family += family[0].children(recursive=True)
        deadline = time.monotonic() + 30  # a process that sleeps in the kernel stops when it wakes up
        while {process.status() for process in family} != {psutil.STATUS_STOPPED}:
            assert time.monotonic() < deadline, [process.status() for process in family]
            time.sleep(0.05)
    assert server.execute("SELECT 1") == [(1,)]


def test_its_port_is_none_that_outgoing_connections_take(server):
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert 1024 < server.port < first


def test_a_client_of_a_port_of_outgoing_connections_can_meet_itself():
    """Why that matters: a client may be given the very port that it calls while the server is down."""
    with socket.socket() as client:
        client.bind(("127.0.0.1", 0))
        client.settimeout(10)
        client.connect(client.getsockname())
        client.sendall(b"anybody?")
        assert client.recv(8) == b"anybody?"


@pytest.mark.parametrize("kind", [PostgreSQL, MariaDB])
def test_nothing_is_left_when_it_is_not_needed_any_more(kind):
    if lacking := kind.lacking():
        pytest.skip(lacking)
    with running(kind) as server:
        pid, folder = server._process.pid, server.folder
        children = psutil.Process(pid).children(recursive=True)
        assert folder.is_dir()
    wait_until(lambda: not any(child.is_running() for child in children), lambda: children)
    assert not psutil.pid_exists(pid)
    assert not folder.exists()


def test_a_server_that_cannot_start_says_why(server, monkeypatch):
    other = type(server)(server.folder)
    monkeypatch.setattr(other, "command", lambda: ["sh", "-c", "echo no way; exit 1"])
    with pytest.raises(LrlcNasError, match=rf"{server.name} ended while it started: [\s\S]*no way\n$"):
        other.start()


@pytest.mark.parametrize("kind", SERVERS.values())
def test_what_is_not_installed_is_named_with_its_package(kind, monkeypatch):
    monkeypatch.setattr(servers, "_postgresql", lambda tool: "")
    monkeypatch.setattr(servers, "_mariadb", lambda tool: "")
    message = rf"{kind.name} is not installed \(Debian: apt-get install {kind.package}\)"
    with pytest.raises(InputError, match=message), running(kind):
        pass


@pytest.mark.parametrize("kind", SERVERS.values())
def test_a_driver_that_is_missing_is_named(kind, monkeypatch):
    monkeypatch.setattr(kind, "program", classmethod(lambda cls: "/usr/bin/server"))
    monkeypatch.setattr(server_module, "find_spec", lambda name: None)
    hint = f"pip install '{kind.driver_package}'"
    assert kind.lacking() == f"the driver {kind.driver} is not installed ({hint})"


def test_a_folder_of_a_server_keeps_its_url_from_others(place, tmp_path):
    folder = place.furnish(tmp_path / "study")
    assert (folder / "url").stat().st_mode & 0o777 == 0o600
    assert store_in(folder).url.port == place.server.port
    place.clear(folder)
    assert not folder.exists()

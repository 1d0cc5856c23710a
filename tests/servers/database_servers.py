"""Database servers of the tests' own: made in a temporary folder, on a free port of this machine alone."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest


__all__ = ["PASSWORD", "MariaDB", "PostgreSQL", "Server", "running"]

PASSWORD = "c4nary-b1rd"
_PATIENCE = 60.0


class Server:
    """A server process that can be crashed and started again.

    Its files belong to the user of the Debian package where the tests run as root, whom servers refuse.
    """

    package: str
    account: str
    crash_signal: signal.Signals
    scheme: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = count()

    def new_database(self) -> str:
        """The URL of a database that nobody has used yet; its name needs quotes."""
        if not self._lives():
            self.start()  # a test that failed has left it
        name = f"study base {next(self._databases)}"
        self.execute(self.creating(name))
        return f"{self.scheme}://me:{PASSWORD}@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """Start, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = self._popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self._answers, lambda: (self.folder / "log").read_text(errors="replace")[-2000:])

    def crash(self) -> None:
        """End it at once; what was committed is safe with the operating system."""
        if self._process is not None:
            self._process.send_signal(self.crash_signal)
            self._process.wait(_PATIENCE)

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        """Execute a statement as the administrator."""
        with closing(self.connect()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []

    def make(self) -> None:
        """Make its files."""
        raise NotImplementedError

    def command(self) -> list[str]:
        """How it is started."""
        raise NotImplementedError

    def creating(self, name: str) -> str:
        """The statement that creates a database."""
        raise NotImplementedError

    def connect(self) -> Any:
        """A connection of the driver, which commits by itself."""
        raise NotImplementedError

    def cut(self) -> int:
        """Break all connections of others; how many there were."""
        raise NotImplementedError

    def call(self, command: list[str]) -> None:
        """Run one of its tools to its end."""
        process = self._popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        said = process.communicate(timeout=_PATIENCE)[0].decode()
        assert process.returncode == 0, said

    def _popen(self, command: list[str], **streams: Any) -> subprocess.Popen[bytes]:
        root = os.geteuid() == 0
        account: dict[str, Any] = (
            {"user": self.account, "group": self.account, "extra_groups": []} if root else {}
        )
        return subprocess.Popen(command, cwd=self.folder, start_new_session=True, **account, **streams)

    def _lives(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _answers(self) -> bool:
        assert self._lives(), (self.folder / "log").read_text(errors="replace")[-2000:]
        try:
            self.connect().close()
        except (psycopg.OperationalError, pymysql.OperationalError):
            return False
        return True


class PostgreSQL(Server):
    package, account, scheme = "postgresql", "postgres", "postgresql"
    crash_signal = signal.SIGQUIT  # "immediate": kill -9 would leave its children behind

    def make(self) -> None:
        password = self.folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        tool = [_postgresql("initdb"), "-D", str(self.folder / "data"), "--pwfile", str(password)]
        self.call([*tool, "-U", "me", "-A", "scram-sha-256", "-E", "UTF8", "--no-locale", "--no-sync"])

    def command(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.folder),
            "fsync": "off",
        }
        command = [_postgresql("postgres"), "-D", str(self.folder / "data"), "-p", str(self.port)]
        return command + [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]

    def creating(self, name: str) -> str:
        return f'CREATE DATABASE "{name}"'

    def connect(self) -> Any:
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="me", password=PASSWORD, dbname="postgres", autocommit=True
        )

    def cut(self) -> int:
        others = "backend_type = 'client backend' AND pid <> pg_backend_pid()"
        return len(self.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))


class MariaDB(Server):
    package, account, scheme = "mariadb-server", "mysql", "mysql"
    crash_signal = signal.SIGKILL

    def make(self) -> None:
        (self.folder / "users.sql").write_text(
            f"CREATE USER IF NOT EXISTS 'me'@'%' IDENTIFIED BY '{PASSWORD}';\nGRANT ALL ON *.* TO 'me'@'%';\n"
        )
        tool = [_mariadb("mariadb-install-db"), "--no-defaults", f"--datadir={self.folder / 'data'}"]
        self.call(
            [*tool, "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
        )

    def command(self) -> list[str]:
        files = {"datadir": "data", "socket": "socket", "pid-file": "pid", "init-file": "users.sql"}
        return [
            *(_mariadb("mariadbd"), "--no-defaults", "--bind-address=127.0.0.1", f"--port={self.port}"),
            *(f"--{option}={self.folder / name}" for option, name in files.items()),
            *("--skip-name-resolve", "--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=16M"),
        ]

    def creating(self, name: str) -> str:
        return f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4"

    def connect(self) -> Any:
        return pymysql.connect(
            host="127.0.0.1", port=self.port, user="me", password=PASSWORD, autocommit=True
        )

    def cut(self) -> int:
        listed = self.execute(
            "SELECT id FROM information_schema.processlist WHERE user = 'me' AND id <> connection_id()"
        )
        for (number,) in listed:
            with suppress(pymysql.OperationalError):  # it has ended by itself
                self.execute(f"KILL CONNECTION {number}")
        return len(listed)


@contextmanager
def running(kind: type[Server]) -> Iterator[Server]:
    """A server of a kind; the test is skipped where its package is not installed."""
    if (kind is PostgreSQL and not _postgresql("postgres")) or (kind is MariaDB and not _mariadb("mariadbd")):
        pytest.skip(f"{kind.__name__} is not installed (Debian: apt-get install {kind.package})")
    # Not pytest's folder, which nobody else may enter.
    folder = Path(tempfile.mkdtemp(prefix="lrlc-nas-server-"))
    server = kind(folder)
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, kind.account, kind.account)
        server.make()
        server.start()
        yield server
    finally:
        server.crash()
        shutil.rmtree(folder, ignore_errors=True)


def wait_until(condition: Callable[[], bool], story: Callable[[], object] = lambda: "") -> None:
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"nothing happened in {_PATIENCE:.0f} seconds: {story()}"
        time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _postgresql(tool: str) -> str:
    """The tool of the newest version; Debian keeps them out of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{tool}"), key=lambda path: int(path.parts[4]))
    return str(found[-1]) if found else shutil.which(tool) or ""


def _mariadb(tool: str) -> str:
    return shutil.which(tool, path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))) or ""

"""Database servers of our own: made in a temporary folder, and removed with it.

They are there to be crashed, so nothing of theirs is synced to the disk: what was committed is safe with the
operating system, which nobody crashes here.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy.exc import OperationalError

from lrlc_nas.errors import InputError

from .server import PASSWORD, Server

__all__ = ["PASSWORD", "SERVERS", "MariaDB", "PostgreSQL", "Server", "running"]


class PostgreSQL(Server):
    """PostgreSQL of the newest version that is installed."""

    name, package = "PostgreSQL", "postgresql"
    driver, driver_package = "psycopg", "psycopg[binary]"
    account, scheme, home = "postgres", "postgresql", "postgres"
    crash_signal = signal.SIGQUIT  # "immediate": kill -9 would leave its children behind

    @classmethod
    def program(cls) -> str:
        """The path of the server itself; empty if there is none."""
        return _postgresql("postgres")

    def make(self) -> None:
        """Make its files."""
        password = self.folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        tool = [_postgresql("initdb"), "-D", str(self.folder / "data"), "--pwfile", str(password)]
        self.call([*tool, "-U", "me", "-A", "scram-sha-256", "-E", "UTF8", "--no-locale", "--no-sync"])

    def command(self) -> list[str]:
        """How it is started."""
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": str(self.folder), "fsync": "off"}
        command = [self.program(), "-D", str(self.folder / "data"), "-p", str(self.port)]
        return command + [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]

    def creating(self, name: str) -> str:
        """The statement that creates a database."""
        return f'CREATE DATABASE "{name}"'

    def cut(self) -> int:
        """Break all connections of others; how many there were."""
        others = "backend_type = 'client backend' AND pid <> pg_backend_pid()"
        return len(self.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))


class MariaDB(Server):
    """MariaDB, which stands for MySQL too."""

    name, package = "MariaDB", "mariadb-server"
    driver, driver_package = "pymysql", "pymysql"
    account, scheme, home = "mysql", "mysql", "mysql"
    crash_signal = signal.SIGKILL

    @classmethod
    def program(cls) -> str:
        """The path of the server itself; empty if there is none."""
        return _mariadb("mariadbd")

    def make(self) -> None:
        """Make its files."""
        (self.folder / "users.sql").write_text(
            f"CREATE USER IF NOT EXISTS 'me'@'%' IDENTIFIED BY '{PASSWORD}';\nGRANT ALL ON *.* TO 'me'@'%';\n"
        )
        tool = [_mariadb("mariadb-install-db"), "--no-defaults", f"--datadir={self.folder / 'data'}"]
        self.call([*tool, "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"])

    def command(self) -> list[str]:
        """How it is started."""
        files = {"datadir": "data", "socket": "socket", "pid-file": "pid", "init-file": "users.sql"}
        return [
            *(self.program(), "--no-defaults", "--bind-address=127.0.0.1", f"--port={self.port}"),
            *(f"--{option}={self.folder / name}" for option, name in files.items()),
            *("--skip-name-resolve", "--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=16M"),
        ]

    def creating(self, name: str) -> str:
        """The statement that creates a database."""
        return f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4"

    def cut(self) -> int:
        """Break all connections of others; how many there were."""
        listed = self.execute(
            "SELECT id FROM information_schema.processlist WHERE user = 'me' AND id <> connection_id()"
        )
        for (number,) in listed:
            with suppress(OperationalError):  # it has ended by itself
                self.execute(f"KILL CONNECTION {number}")
        return len(listed)


SERVERS: dict[str, type[Server]] = {"postgresql": PostgreSQL, "mariadb": MariaDB}
"""Every kind of server, by the name that the command line gives it."""


@contextmanager
def running(kind: type[Server]) -> Iterator[Server]:
    """A server of a kind, which ends with the block.

    Raises:
        InputError: if it, or its driver, is not installed.
    """
    if lacking := kind.lacking():
        raise InputError(lacking)
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


def _postgresql(tool: str) -> str:
    """The tool of the newest version; Debian keeps them out of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{tool}"), key=lambda path: int(path.parts[4]))
    return str(found[-1]) if found else shutil.which(tool) or ""


def _mariadb(tool: str) -> str:
    return shutil.which(tool, path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))) or ""

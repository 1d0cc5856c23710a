"""A database server that can be crashed, frozen and started again, on a free port of this machine alone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import psutil
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from lrlc_nas.errors import LrlcNasError
from lrlc_nas.store import engine_options, parse_url

from .waiting import wait_until

__all__ = ["PASSWORD", "Server"]

PASSWORD = "c4nary-b1rd"
"""Of every server here, so that whoever looks for leaks knows what to look for."""

_START_SECONDS = 60.0


class Server:
    """A server process and its files.

    Its files belong to the user of the Debian package where it is started by root, whom servers refuse.

    Attributes:
        name: as people write it.
        package: of Debian.
        driver_package: which brings the driver.
        driver: the module that talks to it.
        account: whose its files are, if root starts it.
        scheme: of its URLs.
        home: a database that is always there.
        crash_signal: what ends it at once.
    """

    name: str
    package: str
    driver_package: str
    driver: str
    account: str
    scheme: str
    home: str
    crash_signal: signal.Signals

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = count()

    @classmethod
    def lacking(cls) -> str:
        """What has to be installed first, and how; empty if all is there."""
        if not cls.program():
            return f"{cls.name} is not installed (Debian: apt-get install {cls.package})"
        if find_spec(cls.driver) is None:
            return f"the driver {cls.driver} is not installed (pip install '{cls.driver_package}')"
        return ""

    @classmethod
    def program(cls) -> str:
        """The path of the server itself; empty if there is none."""
        raise NotImplementedError

    def new_database(self) -> str:
        """The URL of a database that nobody has used yet; its name needs quotes."""
        if not self._lives():
            self.start()  # whoever crashed it has failed before he could
        name = f"study base {next(self._databases)}"
        self.execute(self.creating(name))
        return self._url(name)

    def start(self) -> None:
        """Start, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = self._popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self._answers, self.last_words, _START_SECONDS)

    def crash(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.send_signal(self.crash_signal)
            self._process.wait(_START_SECONDS)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop all of its processes for as long as the block lasts: connections stay open, and nothing answers."""
        assert self._process is not None
        main = psutil.Process(self._process.pid)
        main.suspend()  # before it can start another
        family = [*main.children(recursive=True), main]
        try:
            for each in family:
                with suppress(psutil.NoSuchProcess):
                    each.suspend()
            yield
        finally:
            for each in family:
                with suppress(psutil.NoSuchProcess):
                    each.resume()

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        """Execute a statement as the administrator."""
        url = parse_url(self._url(self.home))
        options = engine_options(url) | {"isolation_level": "AUTOCOMMIT", "poolclass": NullPool}
        with create_engine(url, **options).connect() as connection:
            result = connection.exec_driver_sql(sql)
            return [tuple(row) for row in result] if result.returns_rows else []

    def last_words(self) -> str:
        """The end of its log."""
        return (self.folder / "log").read_text(errors="replace")[-2000:]

    def make(self) -> None:
        """Make its files."""
        raise NotImplementedError

    def command(self) -> list[str]:
        """How it is started."""
        raise NotImplementedError

    def creating(self, name: str) -> str:
        """The statement that creates a database."""
        raise NotImplementedError

    def cut(self) -> int:
        """Break all connections of others; how many there were."""
        raise NotImplementedError

    def call(self, command: list[str]) -> None:
        """Run one of its tools to its end.

        Raises:
            LrlcNasError: if the tool fails.
        """
        process = self._popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = process.communicate(timeout=_START_SECONDS)[0].decode(errors="replace")
        if process.returncode:
            raise LrlcNasError(f"{command[0]} ended with exit code {process.returncode}: {said[-2000:]}")

    def _url(self, database: str) -> str:
        return f"{self.scheme}://me:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def _popen(self, command: list[str], **streams: Any) -> subprocess.Popen[bytes]:
        account: dict[str, Any] = {}
        if os.geteuid() == 0:
            account = {"user": self.account, "group": self.account, "extra_groups": []}
        return subprocess.Popen(command, cwd=self.folder, start_new_session=True, **account, **streams)

    def _lives(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _answers(self) -> bool:
        if not self._lives():
            raise LrlcNasError(f"{self.name} ended while it started: {self.last_words()}")
        try:
            self.execute("SELECT 1")
        except OperationalError:
            return False
        return True


def _free_port() -> int:
    """A port that is free and stays free while its server is down.

    Ports of outgoing connections do not: another program's may take it, and a client that calls again and again
    may even be given the very port that it calls, and meet itself there.
    """
    chance = Random()
    for port in (chance.randrange(10_000, _first_outgoing()) for _ in range(1000)):
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
    raise LrlcNasError(f"no port from 10000 to {_first_outgoing() - 1} is free on 127.0.0.1")


def _first_outgoing() -> int:
    with suppress(OSError):
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    return 32_768

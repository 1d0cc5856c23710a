"""The dashboard as a process, and what those ask of it who may not: each request has a code to be refused with."""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from lrlc_nas.errors import LrlcNasError

from .attacks import Attacks
from .commands import environment
from .lives import begin
from .places import DATABASE, SQLITE, opened_store, url_in
from .poison import changed, contents
from .toy import toy_config
from .waiting import PATIENCE, wait_until

__all__ = ["HOSTS", "METHODS", "PATHS", "Served", "knock", "revealed", "served"]

HOSTS = ("evil.example", "127.0.0.1.evil.example", "[::ffff:127.0.0.1]", "0")
"""Names under which this machine is not to be reached."""

METHODS = ("DELETE", "POST", "PUT", "PATCH", "OPTIONS")
"""What is not reading."""

PATHS = (
    "/../../../../etc/passwd",
    "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/static/../../../../../../etc/passwd",
    "/static/..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
    "/static/%2fetc%2fpasswd",
    "/assets/../guard.py",
    "/assets/..%2fguard.py",
    "/assets/%2fetc%2fpasswd",
    "/studies/..%2f..%2f..%2f..%2fetc%2fpasswd",
    "/studies/../../../../etc/passwd",
    "/studies/1/../../etc/passwd",
    "/studies/%00",
    "/studies/1%0d%0aSet-Cookie:%20x=y",
    "/csv/..%2f..%2fetc%2fpasswd",
    "/artifacts/1/..%2f..%2fetc%2fpasswd",
    "/{database}",
    "/static/..%2f{database}",
)
"""Paths that lead to a file elsewhere; in two of them stands the name of the database."""

_DASHBOARD = (sys.executable, "-m", "lrlc_nas", "dashboard", "--port", "0")
_STUDIES = "/api/studies"
_STUDY = "/api/studies/1"
_NO_FILE = (400, 403, 404)
_WELCOME = (200,)


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        status: its code.
        headers: by their names in lower case.
        text: its body.
    """

    status: int
    headers: dict[str, str]
    text: str


@dataclass(frozen=True)
class Served:
    """A dashboard that answers.

    Attributes:
        process: which.
        port: where.
        token: its secret.
        cookie: what a browser sends that was let in.
    """

    process: subprocess.Popen[bytes]
    port: int
    token: str
    cookie: str

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Ask for a path as it stands: clients for people would tidy it up first."""
        usual = {"Host": f"127.0.0.1:{self.port}", "Cookie": self.cookie}
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)) as connection:
            connection.putrequest(method, path, skip_accept_encoding=True, skip_host=True)
            for name, value in {**usual, **headers}.items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, named, answer.read().decode(errors="replace"))


@dataclass(frozen=True)
class Request:
    """What somebody asks who may not.

    Attributes:
        what: in words.
        codes: of which one must come back.
        path: which.
        method: which.
        headers: other than those of a browser that was let in.
    """

    what: str
    codes: tuple[int, ...]
    path: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)


def knock(folder: Path) -> Attacks:
    """Ask a dashboard on a new study, in an empty folder, for what it must refuse."""
    home = SQLITE.furnish(folder / "home")
    begin(home, toy_config(2, 1)).store.engine.dispose()
    before, studies = contents(home), _studies(home)
    said = folder / "said"
    with served(home, said) as door:
        answers = [(each, door.ask(each.path, each.method, **each.headers)) for each in _requests(door)]
    codes = Counter(answer.status for request, answer in answers if request.codes != _WELCOME)
    told = [len(revealed(answer, door.token)) for _, answer in answers]
    return Attacks(
        made=len(answers),
        told=", ".join(f"{number} answered with {code}" for code, number in sorted(codes.items())),
        nought={
            "studies fewer": studies - _studies(home),
            "files changed": len(changed(home, before)),
            "secrets told": sum(told) + said.read_text().count(door.token) - 1,  # its address holds it
        },
        wrong=[
            f"{request.what} was answered with {answer.status}"
            for request, answer in answers
            if answer.status not in request.codes
        ],
    )


@contextmanager
def served(folder: Path, said: Path) -> Iterator[Served]:
    """A dashboard as long as the block lasts.

    Args:
        folder: that a place has furnished; its database holds a study.
        said: a new file that gets all that it says.

    Raises:
        LrlcNasError: if it does not answer.
    """
    variables = environment(LRLC_NAS_STORAGE=url_in(folder))
    with (
        said.open("wb") as file,
        subprocess.Popen(_DASHBOARD, cwd=folder, env=variables, stdout=file, stderr=file) as process,
    ):
        try:
            wait_until(lambda: _tells_address(said) or process.poll() is not None, said.read_text)
            yield _entered(process, said.read_text())
        finally:
            _end(process)


def revealed(answer: Answer, token: str) -> list[str]:
    """What a refusal must not hold, and does: the secret, a file of the system or of ours, how it came about."""
    kept = (token, "root:", "SQLite", "def ", "Traceback")
    return [each for each in kept if each in f"{answer.headers} {answer.text}"]


def _requests(door: Served) -> Iterator[Request]:
    """All that is refused, between two requests that are not: a door that opens to nobody would prove nothing."""
    name = door.cookie.partition("=")[0]
    outsiders = {"no secret": "", "another cookie": "lrlc_nas=x", "a wrong secret": f"{name}={'x' * 43}"}
    yield Request("the secret", _WELCOME, _STUDIES)
    for host in HOSTS:
        yield Request(f"host {host}", (403,), "/", headers={"Host": host})
    for who, cookie in outsiders.items():
        for method in ("GET", *METHODS):
            yield Request(f"{method} with {who}", (401,), _STUDY, method, {"Cookie": cookie})
    yield Request("the entrance with a wrong secret", (401,), "/enter?token=x", headers={"Cookie": ""})
    yield Request("POST to the entrance", (405,), f"/enter?token={door.token}", "POST")
    for method in METHODS:
        yield Request(f"{method} with the secret", (405,), _STUDY, method)
    for path in PATHS:
        yield Request(f"path {path}", _NO_FILE, path.format(database=DATABASE))
    yield Request("the secret afterwards", _WELCOME, _STUDIES)


def _studies(folder: Path) -> int:
    """How many studies a database holds, ours and Optuna's, which are what its dashboard could delete."""
    count = "SELECT (SELECT count(*) FROM nas_study) + (SELECT count(*) FROM studies)"
    with opened_store(folder) as store, store.engine.connect() as connection:
        return int(connection.exec_driver_sql(count).scalar_one())


def _tells_address(said: Path) -> bool:
    content = said.read_bytes()
    return content.startswith(b"http") and b"\n" in content


def _entered(process: subprocess.Popen[bytes], said: str) -> Served:
    """Let a browser in by the address that was printed."""
    if process.poll() is not None:
        raise LrlcNasError(f"the dashboard ended with exit code {process.returncode}: {said.strip()}")
    address = urlsplit(said.split()[0])
    door = Served(process, address.port or 0, parse_qs(address.query)["token"][0], "")
    cookie = door.ask(f"{address.path}?{address.query}").headers.get("set-cookie", "")
    return replace(door, cookie=cookie.partition(";")[0])


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()

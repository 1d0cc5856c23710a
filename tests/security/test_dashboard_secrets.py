"""The dashboard as a process: it keeps its secret, listens to this machine alone, and serves no file but its own."""

import http.client
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest
from poison import DATABASE, NAME


PAGES = ("/", "/studies/1", "/studies/1/report", "/studies/1/trials/1", "/dashboard", "/dashboard/studies/1")
LOCAL = re.compile(r"'none'|'self'|'unsafe-inline'|'unsafe-eval'|'sha256-[\w+/=]+'|data:|blob:")


@dataclass(frozen=True)
class Served:
    """A dashboard that answers."""

    process: subprocess.Popen[str]
    port: int
    token: str
    cookie: str

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
        """Ask for a path as it stands: clients for people would tidy it up first."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.putrequest(method, path, skip_accept_encoding=True, skip_host=True)
            for name, value in ({"Host": f"127.0.0.1:{self.port}", "Cookie": self.cookie} | headers).items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, named, answer.read().decode(errors="replace")


@pytest.fixture(scope="module")
def served(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    (folder / DATABASE).write_bytes((trained / DATABASE).read_bytes())
    command = [sys.executable, "-m", "lrlc_nas", "dashboard", "--port", "0"]
    streams = {"stdout": subprocess.PIPE, "stderr": (folder / "errors").open("w"), "text": True}
    with subprocess.Popen(command, cwd=folder, **streams) as process:
        try:
            assert process.stdout is not None
            address = urlsplit(process.stdout.readline().split()[0])
            token = parse_qs(address.query)["token"][0]
            served = Served(process, address.port or 0, token, "")
            status, headers, _ = served.ask(f"{address.path}?{address.query}")
            assert status == 200
            yield Served(process, served.port, token, headers["set-cookie"].partition(";")[0])
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            rest, _ = process.communicate(timeout=60)
            streams["stderr"].close()
    # It printed its address once, and nothing that it was asked or that went wrong.
    assert token not in rest + (folder / "errors").read_text()
    assert process.returncode == 0


def test_it_listens_to_this_machine_alone(served: Served) -> None:
    listening = [
        c for c in psutil.Process(served.process.pid).net_connections() if c.status == psutil.CONN_LISTEN
    ]
    assert [connection.laddr for connection in listening] == [("127.0.0.1", served.port)]


def test_its_secret_is_in_no_command_line_and_no_page(served: Served) -> None:
    assert served.token not in " ".join(psutil.Process(served.process.pid).cmdline())
    for path in PAGES:
        status, headers, text = served.ask(path)
        assert status == 200, path
        assert served.token not in text + str(headers)
        assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", [*PAGES, "/api/studies", "/nothing", "/studies/99"])
def test_no_policy_names_another_site(served: Served, path: str) -> None:
    _, headers, _ = served.ask(path)
    directives = dict(
        part.split(maxsplit=1) for part in headers["content-security-policy"].split(";") if part.strip()
    )
    assert directives["default-src"] in ("'none'", "'self'")
    for name, sources in directives.items():
        assert all(LOCAL.fullmatch(source) for source in sources.split()), (name, sources)
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "[::ffff:127.0.0.1]", "0"])
def test_another_name_of_this_machine_is_refused(served: Served, host: str) -> None:
    assert served.ask("/", Host=host)[0] == 403


@pytest.mark.parametrize("method", ["DELETE", "POST", "PUT", "PATCH", "OPTIONS"])
def test_a_study_is_deleted_by_nobody(served: Served, method: str) -> None:
    assert served.ask("/api/studies/1", method, Cookie="")[0] == 401
    assert served.ask("/api/studies/1", method, Cookie="lrlc_nas=x")[0] == 401
    assert served.ask("/api/studies/1", method)[0] == 405
    assert NAME in served.ask("/api/studies")[2]


@pytest.mark.parametrize(
    "path",
    [
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
        f"/{DATABASE}",
        f"/static/..%2f{DATABASE}",
    ],
)
def test_no_path_leads_to_a_file(served: Served, path: str) -> None:
    status, headers, text = served.ask(path)
    assert status in (400, 403, 404), text
    assert "root:" not in text
    assert "SQLite" not in text
    assert "def " not in text
    assert "Traceback" not in text
    assert "set-cookie" not in headers

"""The dashboard as a process: it keeps its secret, listens to this machine alone, and serves no file but its own."""

import re
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from poison import DATABASE as TRAINED
from poison import NAME

from tests.reliability import door
from tests.reliability.door import HOSTS, METHODS, PATHS, Served, revealed
from tests.reliability.places import DATABASE

PAGES = ("/", "/studies/1", "/studies/1/report", "/studies/1/trials/1", "/dashboard", "/dashboard/studies/1")
LOCAL = re.compile(r"'none'|'self'|'unsafe-inline'|'unsafe-eval'|'sha256-[\w+/=]+'|data:|blob:")


@pytest.fixture(scope="module")
def served(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    (folder / DATABASE).write_bytes((trained / TRAINED).read_bytes())
    said = folder / "said"
    with door.served(folder, said) as served:
        assert served.cookie
        yield served
    # It printed its address once, and nothing that it was asked or that went wrong.
    assert said.read_text().count(served.token) == 1
    assert said.read_text().count("\n") == 1
    assert served.process.returncode == 0


def test_it_listens_to_this_machine_alone(served: Served) -> None:
    listening = [c for c in psutil.Process(served.process.pid).net_connections() if c.status == psutil.CONN_LISTEN]
    assert [connection.laddr for connection in listening] == [("127.0.0.1", served.port)]


def test_its_secret_is_in_no_command_line_and_no_page(served: Served) -> None:
    assert served.token not in " ".join(psutil.Process(served.process.pid).cmdline())
    for path in PAGES:
        answer = served.ask(path)
        assert answer.status == 200, path
        assert served.token not in answer.text + str(answer.headers)
        assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", [*PAGES, "/api/studies", "/nothing", "/studies/99"])
def test_no_policy_names_another_site(served: Served, path: str) -> None:
    headers = served.ask(path).headers
    directives = dict(part.split(maxsplit=1) for part in headers["content-security-policy"].split(";") if part.strip())
    assert directives["default-src"] in ("'none'", "'self'")
    for name, sources in directives.items():
        assert all(LOCAL.fullmatch(source) for source in sources.split()), (name, sources)
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("host", HOSTS)
def test_another_name_of_this_machine_is_refused(served: Served, host: str) -> None:
    assert served.ask("/", Host=host).status == 403


@pytest.mark.parametrize("method", METHODS)
def test_a_study_is_deleted_by_nobody(served: Served, method: str) -> None:
    assert served.ask("/api/studies/1", method, Cookie="").status == 401
    assert served.ask("/api/studies/1", method, Cookie="lrlc_nas=x").status == 401
    assert served.ask("/api/studies/1", method).status == 405
    assert NAME in served.ask("/api/studies").text


@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_to_a_file(served: Served, path: str) -> None:
    answer = served.ask(path.format(database=DATABASE))
    assert answer.status in (400, 403, 404), answer.text
    assert revealed(answer, served.token) == []
    assert "set-cookie" not in answer.headers

"""Who only looks at a study never runs the functions that it names: whoever writes to the database names them."""

import time
from pathlib import Path

import pytest
from poison import DATABASE, NAME, call, execute
from starlette.testclient import TestClient

from lrlc_nas.dashboard import application, open_storage
from lrlc_nas.store import Store

READING = ("list", f"show {NAME}", f"power {NAME}", f"report {NAME}", f"cards {NAME} -o cards")


@pytest.mark.parametrize("line", [*READING, f"show {NAME}/confirmation"])
def test_commands_that_look(home: Path, sentinel: Path, line: str) -> None:
    done = call(*line.split())
    assert (done.code, done.err) == (0, "")
    assert not sentinel.exists()


def test_the_dashboard(home: Path, sentinel: Path) -> None:
    store = Store(f"sqlite:///{DATABASE}")
    storage = open_storage(store)
    client = TestClient(application(store, storage, token="t"), base_url="http://127.0.0.1")
    assert client.get("/enter", params={"token": "t"}).status_code == 200
    for path in ("/", "/studies/1", "/studies/1/trials/1", "/api/studies/1"):
        assert client.get(path).status_code == 200, path
    deadline = time.monotonic() + 60
    while "Every run" not in client.get("/studies/1/report").text:  # it is drawn in the background
        assert time.monotonic() < deadline
        time.sleep(0.05)
    client.close()
    storage.engine.dispose()
    store.engine.dispose()
    assert not sentinel.exists()


def test_a_report_says_what_it_did_not_run_and_how_it_would(home: Path, sentinel: Path) -> None:
    assert call("report", NAME).code == 0
    page = (home / "shy-report.html").read_text(encoding="utf-8")
    assert "is shy_module:host, a function that looking does not run" in page
    assert "lrlc-nas report --trust" in page
    assert not sentinel.exists()
    assert call("report", NAME, "--trust").code == 0
    page = (home / "shy-report.html").read_text(encoding="utf-8")
    assert "looking does not run" not in page
    assert sentinel.exists()


@pytest.mark.parametrize("key", ["host", "data"])
@pytest.mark.parametrize("named", ["shy_module:host", "lrlc_nas.data.embedded.subset:load_embedded", "os:system"])
def test_one_function_is_enough_to_be_refused(home: Path, sentinel: Path, key: str, named: str) -> None:
    harmless = {"host": "paper-cnn", "data": "embedded"}
    for other, name in (harmless | {key: named}).items():
        execute(home, f"UPDATE nas_study SET config = json_set(config, '$.{other}.name', ?)", name)
    assert call("report", NAME).code == 0
    assert f"is {named}, a function that looking does not run" in (home / "shy-report.html").read_text("utf-8")
    assert not sentinel.exists()


@pytest.mark.parametrize(("key", "named"), [("host", "torchvision:resnet18"), ("data", "imagefolder:images")])
def test_what_ships_with_a_name_is_no_function_of_somebodys(home: Path, key: str, named: str) -> None:
    """The report says what is wrong with it, which looking has found out."""
    for other, name in ({"host": "paper-cnn", "data": "embedded"} | {key: named}).items():
        execute(home, f"UPDATE nas_study SET config = json_set(config, '$.{other}.name', ?)", name)
    assert call("report", NAME).code == 0
    page = (home / "shy-report.html").read_text("utf-8")
    assert "looking does not run" not in page
    assert named in page


def test_a_report_fetches_nothing(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where images are fetched to is in the database as well."""
    fetched: list[object] = []
    monkeypatch.setattr("torchvision.datasets.MNIST.download", fetched.append)
    change = "UPDATE nas_study SET config = json_set(config, '$.host.name', 'paper-cnn', '$.data.name', 'mnist', "
    execute(home, change + "'$.data.root', ?, '$.data.download', json('true'))", str(tmp_path / "elsewhere"))
    assert call("report", NAME).code == 0
    assert fetched == []
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("line", [f"export {NAME} -o best", f"resume {NAME}"])
def test_commands_that_work_import_it(home: Path, sentinel: Path, line: str) -> None:
    """As they must; and the sentinel can be seen."""
    assert call(*line.split()).code == 0
    assert sentinel.exists()

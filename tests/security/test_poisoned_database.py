"""A database that somebody else has written to: its words stay words, and its rows run nothing and lead nowhere."""

import json
import pickle
from pathlib import Path
from socket import gethostname

import pytest
from poison import DATABASE, NAME, assert_plain, call, execute, poison_attributes, poison_names, value_of
from starlette.testclient import TestClient

from lrlc_nas.dashboard import application, open_storage
from lrlc_nas.store import Store, release_dead
from tests.reliability.poison import HOSTILE, ROWS, Bomb, contents, poison_row


@pytest.mark.parametrize("command", ["list", "show", "power", "report", "cards"])
def test_hostile_words_stay_words(home: Path, sentinel: Path, command: str) -> None:
    name = poison_names(home, sentinel)
    before, outside = contents(home), set(home.parent.iterdir())
    named = [] if command == "list" else [name]
    done = call(command, *(["-o", "cards"] if command == "cards" else []), *named)
    assert (done.code, done.err) == (0, "")
    assert_plain(done.out)
    assert HOSTILE not in done.out
    made = {path for path in contents(home) if path not in before}
    expected = {
        "report": {"study-0-owned-2J-31m-red-script"},
        "cards": {"cards/claim-1-0-owned-2J-31m-red-script-alert"},
    }
    for path in made:
        assert any(path.startswith(start) for start in expected.get(command, ())), path
    assert bool(made) == (command in expected)
    assert set(home.parent.iterdir()) == outside


def test_a_card_holds_them_as_text(home: Path, sentinel: Path) -> None:
    call("cards", "-o", "cards", poison_names(home, sentinel))
    (card,) = (home / "cards").glob("*.md")
    text = card.read_text(encoding="utf-8")
    assert_plain(text)
    assert "\nforged" not in text
    words, command = text.split("\n    lrlc-nas confirm")  # what is indented is code
    outside_code = "".join(words.split("`")[0::2])
    assert "&lt;script&gt;alert(1)" in outside_code
    assert "<" not in outside_code
    assert "\n" not in command.rstrip("\n")
    facts = json.loads(next((home / "cards").glob("*.json")).read_text(encoding="utf-8"))
    assert facts["sites"][0]["site"] == "first" + HOSTILE


def test_the_dashboard_holds_them_as_text(home: Path, sentinel: Path) -> None:
    poison_names(home, sentinel)
    store = Store(f"sqlite:///{DATABASE}")
    storage = open_storage(store)
    client = TestClient(application(store, storage, token="t"), base_url="http://127.0.0.1")
    client.get("/enter", params={"token": "t"})
    for path in ("/", "/studies/1", "/studies/1/trials/1", "/studies/1/trials/3"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert "<img" not in answer.text
        assert "&lt;script&gt;alert(1)" in answer.text
    assert client.get("/api/studies/1").status_code == 200
    client.close()
    storage.engine.dispose()
    store.engine.dispose()
    assert not sentinel.exists()


def test_pickles_in_the_attributes_of_trials_are_not_unpickled(home: Path, sentinel: Path, tmp_path: Path) -> None:
    """Where samplers keep their state, through all that reads them: sampling, resuming, exporting, looking."""
    bomb = tmp_path / "exploded"
    poison_attributes(home, bomb)
    training = (f"resume {NAME} --trials 8 --workers 0", f"worker {NAME} --device cpu --threads 1")
    for line in (*training, f"show {NAME}", f"report {NAME} --trust", f"export {NAME} -o best"):
        done = call(*line.split())
        assert (done.code, done.err) == (0, ""), line
    assert value_of(home, "SELECT count(*) FROM nas_run WHERE study_id = 1 AND state = 'complete'") == 8
    assert not bomb.exists()
    assert pickle.loads(bytes.fromhex(str(json.loads(str(value_of(home, _ATTRIBUTE)))))) is None
    assert bomb.exists()  # it could have gone off


_ATTRIBUTE = "SELECT value_json FROM trial_system_attributes WHERE key = 'cma:optimizer'"


@pytest.mark.parametrize("sampler", ["cmaes", "CmaEsSampler", "optuna.samplers:CmaEsSampler"])
def test_no_sampler_that_unpickles_can_be_asked_for(home: Path, sampler: str) -> None:
    done = call("start", "--name", "other", "--set", f"search.sampler={sampler}")
    assert (done.code, done.out) == (2, "")
    assert "search.sampler: input should be 'tpe' or 'random'" in done.err
    execute(home, "UPDATE nas_study SET config = json_set(config, '$.search.sampler', ?)", sampler)
    done = call("resume", NAME)
    assert (done.code, done.out) == (2, "")
    assert "search.sampler: input should be 'tpe' or 'random'" in done.err


@pytest.mark.parametrize("kind", ROWS)
def test_a_row_that_nobody_of_ours_wrote_is_one_line(home: Path, sentinel: Path, kind: str) -> None:
    assert poison_row(home / DATABASE, kind) == 1
    sentinel.touch()  # resuming may import what the study names
    before, outside = contents(home), set(home.parent.iterdir())
    codes = []
    for line in ("list", f"show {NAME}", f"power {NAME}", f"report {NAME}", f"cards {NAME} -o cards", f"resume {NAME}"):
        done = call(*line.split())
        codes.append(done.code)
        assert done.err.count("\n") == (done.code != 0), done
        assert_plain(done.out + done.err)
    assert set(codes) <= {0, 2}
    assert 2 in codes
    assert {path: digest for path, digest in contents(home).items() if path.startswith("lrlc-nas.")} == before
    assert set(home.parent.iterdir()) == outside


@pytest.mark.parametrize(
    "owner", ["", "x", "{host}/../../x/1", "{host}/-1/0", "{host}/1e999/nan", HOSTILE, "{host}/9" * 99]
)
def test_an_owner_that_is_none_is_nobody_of_this_machine(home: Path, owner: str) -> None:
    execute(
        home,
        "UPDATE nas_run SET state = 'running', done = 0, expires = 9e9, worker_id = ?",
        owner.format(host=gethostname()),
    )
    store = Store(f"sqlite:///{home / DATABASE}")
    release_dead(store, store.study(NAME))
    assert value_of(home, "SELECT count(*) FROM nas_run WHERE state = 'running' AND study_id = 1") == 7
    store.engine.dispose()


def test_a_pickle_is_a_bomb(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Bomb(tmp_path / "exploded")))
    assert (tmp_path / "exploded").exists()

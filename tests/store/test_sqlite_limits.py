"""A SQLite file bears the workers of one machine, and not too many; who wants more is told of PostgreSQL."""

import pytest
from sqlalchemy import text
from toy_store import FOREVER, WAITING, add_study, make_store

from lrlc_nas.errors import StorageError
from lrlc_nas.store import Store, claim, finish, release, require_bearable, this_process
from lrlc_nas.store import sqlite_limits as sharing
from lrlc_nas.store.sqlite_limits import MOST_WORKERS
from lrlc_nas.store.worker_id import host_of, this_host

ELSEWHERE = r"a worker on far holds a run in this SQLite file, and this is .*; .* go with PostgreSQL"


def held_by(store, study, worker):
    held = claim(store, study, this_process(), FOREVER)
    with store.engine.begin() as connection:
        row = {"worker": worker, "run": held.run.run_id}
        connection.execute(text("UPDATE nas_run SET worker_id = :worker WHERE run_id = :run"), row)
    return held


def test_a_worker_names_its_machine():
    assert host_of(this_process()) == this_host() != ""
    assert host_of("no worker of ours") == ""


def test_a_claim_beside_a_worker_of_another_machine_is_refused(store, study):
    held_by(store, study, "far/7/1.00")
    with pytest.raises(StorageError, match=ELSEWHERE) as refused:
        claim(store, study, this_process(), FOREVER)
    assert "If far has stopped, this works again in 3600 s" in str(refused.value)
    assert "studies.db" in str(refused.value)
    assert [run.state for run in store.runs(study)] == ["running", "waiting", "waiting"]


def test_and_so_is_one_of_another_study_in_the_same_file(store, study):
    held_by(store, study, "far/7/1.00")
    other = add_study(store, [WAITING], name="other")
    with pytest.raises(StorageError, match=ELSEWHERE):
        claim(store, other, this_process(), FOREVER)


def test_a_patient_worker_is_refused_at_once(store, study):
    held_by(store, study, "far/7/1.00")
    with pytest.raises(StorageError, match=ELSEWHERE):
        claim(store.retrying(3600.0), study, this_process(), FOREVER)


@pytest.mark.parametrize("end", ["release", "finish", "expire"])
def test_the_file_is_free_when_that_worker_holds_nothing(store, study, end):
    held = held_by(store, study, "far/7/1.00")
    if end == "release":
        release(store, held)
    elif end == "finish":
        finish(store, held, "complete", value=0.5, facts={})
    else:
        with store.engine.begin() as connection:
            connection.execute(text("UPDATE nas_run SET expires = 1"))
    require_bearable(store, 1)
    assert claim(store, study, this_process(), FOREVER) is not None


def test_workers_of_this_machine_share_the_file(store, study):
    for number in range(3):
        assert claim(store, study, f"{this_host()}/{number}/1.00", FOREVER) is not None
    require_bearable(store, MOST_WORKERS - 3)


def test_what_is_refused_is_refused_before_anything_is_written(tmp_path, store, study):
    held_by(store, study, "far/7/1.00")
    store.engine.dispose()
    before = (tmp_path / "studies.db").read_bytes()
    with pytest.raises(StorageError, match=ELSEWHERE):
        require_bearable(store, 1)
    store.engine.dispose()
    assert (tmp_path / "studies.db").read_bytes() == before


def test_a_seventeenth_worker_is_refused(tmp_path, store):
    words = r"studies\.db: a SQLite file takes at most 16 workers, .*; got 17\. More of them go with PostgreSQL"
    with pytest.raises(StorageError, match=words):
        require_bearable(store, 17)
    with pytest.raises(StorageError, match="got 17"):
        require_bearable(Store(f"sqlite:///{tmp_path}/none.db"), 17)
    require_bearable(Store(f"sqlite:///{tmp_path}/none.db"), 16)
    assert not (tmp_path / "none.db").exists()


def test_those_that_are_at_work_count_too(store, study, monkeypatch):
    place, pid, started = this_process().split("/")
    claim(store, study, f"{place}/{pid}/{float(started) - 60}", FOREVER)  # has ended
    require_bearable(store, MOST_WORKERS)
    other = add_study(store, [WAITING], name="other")
    for each in (study, other):
        claim(store, each, this_process(), FOREVER)
        require_bearable(store, MOST_WORKERS - 1)  # one worker, whatever it holds
    claim(store, study, "another", FOREVER)
    require_bearable(store, MOST_WORKERS - 2)
    words = r"takes at most 16 workers, .*; 2 hold runs in it, and 15 more are wanted\. More of them go with"
    with pytest.raises(StorageError, match=words):
        require_bearable(store, MOST_WORKERS - 1)
    monkeypatch.setattr(sharing, "MOST_WORKERS", 1)
    require_bearable(store, 0)


def test_a_server_bears_more():
    require_bearable(Store("postgresql://me@127.0.0.1:1/x"), 64)


def test_two_files_are_two_files(tmp_path, store, study):
    held_by(store, study, "far/7/1.00")
    (tmp_path / "other").mkdir()
    other = make_store(tmp_path / "other")
    assert claim(other, add_study(other, [WAITING]), this_process(), FOREVER) is not None
    other.engine.dispose()

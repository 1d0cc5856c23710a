"""Processes that compete, and processes that die, on real servers."""

import json
import signal

from server_lives import CONTEXT, begin, claim_all, die_after_steps, spawn, work
from test_server_tables import add_study

from lrlc_nas.benchmarks.faults.lives import end
from lrlc_nas.benchmarks.faults.promises import broken, story
from lrlc_nas.benchmarks.faults.toy import NAME
from lrlc_nas.store import NewRun
from lrlc_nas.study import catch_up, open_study


WORKERS, RUNS = 8, 200


def test_no_run_is_claimed_twice(store, url, tmp_path):
    store.create()
    study = add_study(store, runs=[NewRun("sampled", seed=7)] * RUNS)
    barrier = CONTEXT.Barrier(WORKERS)
    files = [tmp_path / str(number) for number in range(WORKERS)]
    processes = [spawn(claim_all, url, str(file), barrier) for file in files]
    assert [end(process) for process in processes] == [0] * WORKERS
    claimed = [json.loads(file.read_text()) for file in files]
    assert sorted(slot for mine in claimed for slot in mine) == list(range(RUNS))
    assert sum(bool(mine) for mine in claimed) > 1, "no two processes competed"
    assert [run.attempt for run in store.runs(study)] == [1] * RUNS


def test_killed_twice_it_ends_as_on_sqlite_undisturbed(store, url, undisturbed):
    begin(store, undisturbed)
    for steps in (5, 14):
        assert end(spawn(die_after_steps, url, steps)) == -signal.SIGKILL
    assert end(spawn(work, url)) == 0
    catch_up(open_study(store, NAME))
    assert broken(store) == []
    assert story(store) == story(undisturbed)
    assert sum(run.attempt for run in store.runs(store.study(NAME))) == len(story(undisturbed)) + 2

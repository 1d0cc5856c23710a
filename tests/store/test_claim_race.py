"""Real processes on one SQLite file."""

import multiprocessing
from pathlib import Path

from toy_store import WAITING, add_study, claim_all, make_store

WORKERS = 8
RUNS = 60


def test_no_run_is_claimed_twice(tmp_path: Path):
    store = make_store(tmp_path)
    study = add_study(store, [WAITING] * RUNS)
    store.engine.dispose()
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(WORKERS)
    files = [tmp_path / str(number) for number in range(WORKERS)]
    url = f"sqlite:///{tmp_path}/studies.db"
    processes = [context.Process(target=claim_all, args=(url, str(file), barrier)) for file in files]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    claimed = [file.read_text().split() for file in files]
    assert sorted(int(number) for mine in claimed for number in mine) == list(range(RUNS))
    assert sum(bool(mine) for mine in claimed) > 1, "no two processes competed"
    assert [run.attempt for run in store.runs(study)] == [1] * RUNS

"""The words in a database decide nothing: not in reports, not for whoever trains on."""

import shutil
from dataclasses import replace

from sqlalchemy import text

from lrlc_nas.report import read_study, spending
from lrlc_nas.report.verdict_lines import verdict
from lrlc_nas.store import Store, sqlite_path


def told(store):
    reading = read_study(store, "toy")
    said = verdict(reading.study, reading.runs, reading.screening, reading.confirmation)
    best = reading.screening.best and reading.screening.best.number
    screening = replace(reading.screening, best=None)
    return screening, best, reading.audit, reading.importances, spending(reading), said


def test_a_database_with_other_words_says_the_same(tmp_path, uninterrupted):
    shutil.copytree(sqlite_path(uninterrupted.url).parent, tmp_path, dirs_exist_ok=True)  # its log as well
    store = Store(f"sqlite:///{tmp_path}/studies.db")
    before, reasons = told(store), {run.reason for run in store.runs(store.study("toy"))}
    assert len(reasons) > 1, "some runs have ended early"
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE nas_run SET reason = 'diverged: error: ' || number"))
        connection.execute(text("UPDATE trial_user_attributes SET value_json = '\"x\"' WHERE key = 'reason'"))
    assert told(store) == before
    store.engine.dispose()

"""Makes the databases of old schema revisions, and what old and present code read in them.

    python tests/revisions/make_revisions.py        # all of them, about ten minutes of one core

Each database is made by the code of its own commit, which `git archive` takes from the history into a temporary
folder, with the libraries that are installed now. It holds two searches on 400 of the embedded images, both with TPE
and pruning:

- ``moody``, whose host is `moody_hosts.moody_cnn`. Between the databases its runs end in all ways: complete, behind
  the others, diverged, out of memory, failed. One was stopped after an epoch, and some still wait.
- ``paper``, whose host is the package's own. One run still waits.

From the third revision on ``moody`` has a confirmation and, where no run of that is left, an opening of the test
images. From the fourth on it has two stages, and runs of one claim diverged. Checkpoints are not kept, and where
and by whom the runs were trained is replaced by `PLACE` and `OWNER`.

Beside each database lies what `evidence_numbers` finds in it: ``then`` by the code of its own commit, ``now`` by
that of `REFERENCE`, the last commit before ends had typed causes. They differ where a later commit changed an
estimator:

- the first two revisions estimated effects by least squares from the complete runs alone, `REFERENCE` takes those
  that fell behind for what they are (`lrlc_nas.evidence.missing`). Where it used none of them, only the last digits
  differ (1e-14), otherwise the effects do. Contexts, pairs, the audit and the importances came later;
- where a claim lost more runs than the host, the first code of the fourth revision judged it by those that were
  left; `REFERENCE` leaves it undecided, with that as its doubt, and asks for no more seeds;
- the look that decided, and how many there were, were not told at first.

``now`` is what tests hold the package to. The intervals and p-values of the screenings there are of a later date than
`REFERENCE`, since the runs of a choice may have a spread of their own (`lrlc_nas.evidence.unequal_spread`); no estimate
has changed.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
DATABASES = HERE / "databases"
REFERENCE = "4b82a21"
PLACE, OWNER = "/studies", "elsewhere/1/0.00"

_SETTINGS = (
    "data.split.train=400",
    "data.split.search=300",
    "data.split.confirm=300",
    "recipe.batch_size=20",
    'space.choices=["lrlc-2", "lrlc-4", "lc"]',
    "search.min_epochs=1",
    "search.reduction=2",
)
_CLAIMS = {"conv3: lrlc-4": {"conv3": "lrlc-4"}, "both": {"conv1": "lrlc-2", "conv2": "lrlc-2"}}


@dataclass(frozen=True)
class Revision:
    """A database to be made.

    Attributes:
        name: of its files.
        commit: whose code makes it.
        seed: of ``moody``.
        stages: the number of seeds after each stage of its confirmation.
        open_runs: how many runs of the last stage are left to be trained.
    """

    name: str
    commit: str
    seed: int
    stages: tuple[int, ...] = ()
    open_runs: int = 0


REVISIONS = (
    Revision("0001-first", "0387a08", 10),
    Revision("0001", "84912b7", 14),
    Revision("0002", "4078f64", 7),
    Revision("0003", "65556bf", 16, (5,)),
    Revision("0004-first", "b446b7e", 14, (4, 5)),
    Revision("0004", REFERENCE, 7, (5, 6), open_runs=2),
)


def main(names: list[str]) -> None:
    """Make those that are named, or all."""
    DATABASES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for revision in REVISIONS:
            if not names or revision.name in names:
                _make(revision, Path(folder))


def _make(revision: Revision, folder: Path) -> None:
    database = folder / f"{revision.name}.db"
    _call(_code(revision.commit, folder), "train", revision, database)
    _forget_place(database, folder)
    evidence = {
        when: _call(_code(commit, folder), "read", revision, database)
        for when, commit in (("then", revision.commit), ("now", REFERENCE))
    }
    about = {"commit": revision.commit, "reference": REFERENCE}
    text = json.dumps(about | evidence, indent=1)
    (DATABASES / f"{revision.name}.json").write_text(text + "\n")
    (DATABASES / f"{revision.name}.db.gz").write_bytes(gzip.compress(database.read_bytes(), mtime=0))
    print(revision.name, database.stat().st_size, (DATABASES / f"{revision.name}.db.gz").stat().st_size)


def _code(commit: str, folder: Path) -> Path:
    """The package as it was."""
    code = folder / commit
    if not code.exists():
        archive = folder / f"{commit}.tar"
        repository = HERE.parent.parent
        subprocess.run(["git", "archive", "-o", archive, commit, "lrlc_nas"], cwd=repository, check=True)
        with tarfile.open(archive) as file:
            file.extractall(code, filter="data")
    return code


def _call(code: Path, what: str, revision: Revision, database: Path) -> Any:
    """Run a part of this file in a process that has the old package; what it prints last is JSON."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join((str(code), str(HERE))),
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, __file__, f"--{what}", revision.name, str(database)],
        cwd=code,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def _forget_place(database: Path, folder: Path) -> None:
    """Take out what tells of the machine, and make the file small."""
    with closing(sqlite3.connect(database)) as connection:
        for table, column in (("nas_study", "config"), ("nas_study", "files")):
            connection.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (str(folder), PLACE))
        connection.execute("UPDATE nas_run SET owner = ? WHERE owner != ''", (OWNER,))
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        dump = "\n".join(connection.iterdump())
    for word in (str(folder), os.uname().nodename, str(Path.home())):
        if re.search(rf"{re.escape(word)}\b", dump):
            raise SystemExit(f"{database.name} still tells of {word}")


# What follows runs under the package as it was


def train(revision: Revision, database: Path) -> None:
    """Make the studies of a database."""
    from lrlc_nas.store import Store

    store = Store(f"sqlite:///{database}")
    moody = (
        "name=moody",
        f"seed={revision.seed}",
        "host.name=moody_hosts:moody_cnn",
        "host.options={}",
        "recipe.epochs=3",
        "budget.trials=24",
    )
    _start(store, moody, lambda: _ended(database, "moody") >= 20 and _begun(database, "moody"))
    paper = (
        "name=paper",
        "host.options={channels = 3, strides = [2, 1, 1]}",
        "recipe.epochs=2",
        "search.host_repeats=2",
        "budget.trials=13",
    )
    _start(store, paper, lambda: _ended(database, "paper") >= 12)
    for number, seeds in enumerate(revision.stages, start=1):
        left = revision.open_runs if number == len(revision.stages) else 0
        _confirm(store, database, seeds, left)
        if not left:
            _open_test(store)
    store.engine.dispose()
    print(json.dumps(None))


def read(revision: Revision, database: Path) -> None:
    """Print what the evidence says of each study."""
    from lrlc_nas.store import Store

    store = Store(f"sqlite:///{database}")
    print(json.dumps({name: _read(store, name) for name in ("moody", "paper")}))


def _read(store: Any, name: str) -> dict[str, Any]:
    import evidence_numbers

    from lrlc_nas import evidence, report

    if hasattr(report, "read_study"):
        return evidence_numbers.numbers(report.read_study(store, name))
    study = store.study(name)
    runs = store.runs(study)
    try:
        from lrlc_nas.evidence.confirmation import conclude

        from lrlc_nas.store import looks
        from lrlc_nas.study import confirmation_of, study_importances
    except ImportError:  # the first two revisions
        return {"screening": evidence_numbers.screening_numbers(evidence.screen(study, runs))}
    epochs = store.epochs(study)
    found = {
        "screening": evidence_numbers.screening_numbers(evidence.screen(study, runs, epochs)),
        "audit": evidence_numbers.audit_numbers(evidence.audit(study, runs, epochs)),
        "importances": study_importances(store, name),
    }
    if confirmation := confirmation_of(store, name):
        conclusion = conclude(confirmation, store.runs(confirmation))
        found["confirmation"] = evidence_numbers.conclusion_numbers(conclusion)
        found["confirmation"]["test"] = [look.results for look in looks(store, confirmation)]
    return found


def _start(store: Any, settings: tuple[str, ...], should_stop: Callable[[], bool]) -> None:
    from lrlc_nas.study import load_config, start_study

    _work(start_study(store, load_config(None, [*_SETTINGS, *settings])), should_stop)


def _confirm(store: Any, database: Path, seeds: int, left: int) -> None:
    from lrlc_nas.evidence.confirming import confirmation_to_run

    from lrlc_nas.choices import Plan

    claims = {label: Plan.of(tokens) for label, tokens in _CLAIMS.items()}
    study = confirmation_to_run(store, "moody", claims, seeds=seeds)
    name, enough = study.record.name, study.record.trials - left
    _work(study, lambda: bool(left) and _ended(database, name) >= enough)


def _open_test(store: Any) -> None:
    from lrlc_nas.evidence.confirming import measure_sealed

    measure_sealed(store, "moody")


def _work(study: Any, should_stop: Callable[[], bool]) -> None:
    from lrlc_nas.study import Worker

    Worker(study.store, study.record, study.prepared, device="cpu", should_stop=should_stop).work()


def _ended(database: Path, name: str) -> int:
    return _count(database, name, "done = 1")


def _begun(database: Path, name: str) -> int:
    return _count(database, name, "done = 0 AND epoch > 0")


def _count(database: Path, name: str, condition: str) -> int:
    query = f"SELECT count(*) FROM nas_run JOIN nas_study USING (study_id) WHERE name = ? AND {condition}"
    with closing(sqlite3.connect(database)) as connection:
        return int(connection.execute(query, (name,)).fetchone()[0])


if __name__ == "__main__":
    if sys.argv[1:2] in (["--train"], ["--read"]):
        wanted = next(each for each in REVISIONS if each.name == sys.argv[2])
        {"--train": train, "--read": read}[sys.argv[1]](wanted, Path(sys.argv[3]))
    else:
        main(sys.argv[1:])

"""Small studies for the dashboard's tests, and ways to ask for its pages."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
from starlette.testclient import TestClient
from toy_epochs import an_epoch

from lrlc_nas.choices import Plan
from lrlc_nas.config import ConfirmationSection, StudyConfig
from lrlc_nas.dashboard import application, open_storage
from lrlc_nas.dashboard.guard import ENTRANCE
from lrlc_nas.dashboard.server import Server
from lrlc_nas.facts import Role, RunState
from lrlc_nas.store import (
    NewRun,
    SiteRecord,
    Store,
    StudyRecord,
    claim,
    finish,
    insert_study,
    plan_run,
    record_epoch,
    set_trial,
)

TOKEN = "a-secret-of-this-start"
HOSTILE = 'x"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }} ünï 日本 & </title>'
BASE = "http://127.0.0.1:8080"
TOKENS = ("conv", "lrlc-2", "lc")


def add_study(
    store: Store,
    name: str,
    *,
    ended: int = 7,
    sites: tuple[str, ...] = ("conv1", "conv2"),
    confirms: StudyRecord | None = None,
) -> StudyRecord:
    """A study of nine runs on both sides of the database, the first `ended` of which have ended."""
    store.create()
    section = None if confirms is None else ConfirmationSection(of=confirms.name, claims=(), family=1)
    runs = [NewRun(Role.HOST, seed, repeat=seed, plan=Plan(), parameters=1000, macs=2000) for seed in range(2)]
    runs += [
        NewRun(Role.SINGLE, 0, plan=Plan.of({site: token}), parameters=3000, macs=4000)
        for site in sites
        for token in TOKENS[1:]
    ]
    runs += [NewRun(Role.SAMPLED, 0)] * 3
    study = insert_study(
        store,
        name=name,
        config=StudyConfig(name=name, confirmation=section),
        space=dict.fromkeys(sites, TOKENS),
        left_out={},
        refused={},
        host_fingerprint="",
        data_fingerprint="",
        facts={"host": {"parameters": 1000, "macs": 2000}},
        files="",
        sites=[SiteRecord(site, {"kernel_size": [3, 3]}) for site in sites],
        runs=runs,
        parent_study_id=None if confirms is None else confirms.study_id,
    )
    url = store.url.render_as_string(hide_password=False)
    storage = optuna.storages.RDBStorage(url.replace("{", "{{").replace("}", "}}"))
    optuna.create_study(storage=storage, study_name=name, direction="maximize").add_trial(
        optuna.trial.create_trial(value=0.5)
    )
    storage.engine.dispose()
    for number in range(ended):
        train(store, study, number)
    return study


def train(store: Store, study: StudyRecord, number: int) -> None:
    """Claim the next run and end it with two epochs; run 4 is pruned and run 5 fails, for a hostile reason."""
    set_trial(store, study, number, 1000 * study.study_id + number)
    held = claim(store, study, "worker", 60)
    assert held is not None
    if held.run.plan is None:
        plan_run(store, held, Plan.of(dict.fromkeys(study.space, "lc" if number % 2 else "lrlc-2")), 5000, 9000)
    accuracies = [0.5 + 0.01 * number, 0.7 + 0.01 * number]
    for epoch, accuracy in enumerate(accuracies):
        record_epoch(store, held, an_epoch(epoch, accuracy))
    state = {4: "pruned", 5: "failed"}.get(number, "complete")
    reason = "" if state == "complete" else f"{state}: {HOSTILE}"
    value = None if state == "failed" else accuracies[-1]
    finish(store, held, RunState(state), value=value, reason=reason, facts={"device": "cpu", "owner_note": HOSTILE})


@contextmanager
def opened(path: Path) -> Iterator[Store]:
    """A database in a file."""
    store = Store(f"sqlite:///{path}")
    yield store
    store.engine.dispose()


@contextmanager
def client_of(store: Store, *, writable: bool = False, entered: bool = True) -> Iterator[TestClient]:
    """A client of the dashboard on a database, with the cookie or without."""
    storage = open_storage(store)
    client = TestClient(
        application(store, storage, token=TOKEN, writable=writable), base_url=BASE, raise_server_exceptions=False
    )
    if entered:
        assert client.get(ENTRANCE, params={"token": TOKEN}).status_code == 200
    yield client
    client.close()
    storage.engine.dispose()


@contextmanager
def served(store: Store) -> Iterator[str]:
    """The dashboard at a real address, without a slash at its end."""
    storage = open_storage(store)
    answers = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Server(application(store, storage, token=TOKEN), answers.set)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            assert answers.wait(30)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
            storage.engine.dispose()

"""Our tables on real servers: what the migrations make, and what fits in."""

import json

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from older import SCORES, VERSIONS, create_older
from slow_cases import mostly_on
from sqlalchemy import column, insert, table

from lrlc_nas.choices import Plan
from lrlc_nas.config import DataSection, StudyConfig
from lrlc_nas.engine import start_study
from lrlc_nas.errors import InputError
from lrlc_nas.facts import EndCause, Role, RunState
from lrlc_nas.runs import EpochResult
from lrlc_nas.search.optuna_view import create_optuna_tables
from lrlc_nas.store import KernelChoices, NewRun, SiteRecord, claim, finish, insert_study, set_trial
from lrlc_nas.store.models import Base
from lrlc_nas.store.schema import VERSION_TABLE, bring_forward
from tests.reliability.toy import toy_config

LONG = "ß" * 500_000
"""A million bytes."""


def ours(name, kind, _parents):
    return kind != "table" or (name or "").startswith("nas_")


def difference(store):
    options = {"version_table": VERSION_TABLE, "include_name": ours, "compare_type": True}
    with store.engine.connect() as connection:
        return compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)


def add_study(store, **values):
    study = insert_study(
        store,
        **{
            "name": "toy",
            "config": StudyConfig(name="any"),
            "space": {"first": ("conv", "lrlc-2")},
            "left_out": {},
            "refused": {},
            "host_fingerprint": "1" * 64,
            "data_fingerprint": "2" * 64,
            "facts": {},
            "files": "/somewhere",
            "sites": [SiteRecord("first", {"size": [3, 4]})],
            "runs": [NewRun(Role.SAMPLED, seed=7)],
        }
        | values,
    )
    for run in store.runs(study):
        set_trial(store, study, run.number, 100 * study.study_id + run.number)
    return study


def test_the_migrations_make_the_models(store):
    store.create()
    create_optuna_tables(store)
    assert difference(store) == []


def test_the_comparison_would_find_a_missing_column(store):
    store.create()
    with store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE nas_run DROP COLUMN reason")
    assert [change[0] for change in difference(store)] == ["add_column"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_database_of_an_older_version_is_read_as_it_is_and_brought_forward(store, version):
    create_older(store, min(version, "0004"))  # the last one with these columns
    insert_older(store)
    with store.engine.begin() as connection:
        bring_forward(connection, version)
    assert difference(store) != []
    epochs = [EpochResult(0, 1 / 3, 0.1 + 0.2, dict(zip(SCORES, NUMBERS, strict=True)))]
    for _ in range(2):
        study, confirmation = store.study("toy"), store.study("any")
        assert store.confirmation_of(study) == confirmation
        (run,) = store.runs(confirmation)
        assert (run.role, run.stage, run.cause) == (Role.CONFIRM, 2, EndCause.DIVERGED)
        assert (run.worker_id, run.plan, run.value) == ("far/1/1.00", Plan.of({"a": "lc"}), 1 / 3)
        assert store.epochs(confirmation) == {run.run_id: epochs}
        store.create()
    assert difference(store) == []


NUMBERS = (1e-17, 2 / 3, 1e16 + 2, 0.1, 5e-324)


def insert_older(store):
    """A search and its confirmation, as an older version wrote them."""
    study = {"created": 1.5, "trials": 1, "space": "{}", "left_out": "{}", "refused": "{}", "facts": "{}", "files": "x"}
    study |= {"host_fingerprint": "", "data_fingerprint": ""}
    run = {"study_id": 2, "slot": 0, "role": "stage-2", "repeat": 0, "seed": 1, "plan": '{"a":"lc"}', "state": "pruned"}
    run |= {"reason": "diverged: epoch 1", "value": 1 / 3, "attempt": 1, "owner": "far/1/1.00", "expires": 0.0}
    run |= {"epoch": 1, "done": 1, "facts": "{}", "plan_digest": "1", "run_id": 7}
    epoch = {"run_id": 7, "epoch": 0, "attempt": 1, "accuracy": 1 / 3, "seconds": 0.1 + 0.2}
    epoch |= dict(zip(SCORES, NUMBERS, strict=True))
    config = json.dumps({"name": "any", "confirmation": {"of": "toy", "claims": [], "family": 1}})
    with store.engine.begin() as connection:
        for name, row in (
            ("nas_study", study | {"study_id": 1, "name": "toy", "config": '{"name": "toy"}'}),
            ("nas_study", study | {"study_id": 2, "name": "any", "config": config}),
            ("nas_run", run),
            ("nas_epoch", epoch),
        ):
            connection.execute(insert(table(name, *map(column, row))).values(row))


def test_long_texts_come_back_whole(store):
    store.create()
    plan = Plan.of({f"layer.{number}." + "x" * 400: "lrlc-2" for number in range(300)})
    study = add_study(
        store,
        config=StudyConfig(name="toy", data=DataSection(root=LONG)),
        facts={"long": LONG},
        left_out={"first": {"lc": LONG}},
        runs=[NewRun(Role.HOST, 1, 0, plan, 2**53, 2**52 + 1)],
        sites=[SiteRecord("s" * 500, {"size": [3]})],
    )
    read = store.study("toy")
    assert read == study
    assert (read.config.data.root, read.facts["long"]) == (LONG, LONG)
    (run,) = store.runs(study)
    assert (run.plan, run.parameters, run.macs) == (plan, 2**53, 2**52 + 1)
    assert KernelChoices(store, study).setdefault("where " * 2000, "bank") == "bank"
    assert KernelChoices(store, study).all() == {"where " * 2000: "bank"}


@mostly_on("mariadb")
@pytest.mark.parametrize("name", ["größer", "研究", "🧪🔬", "a 'b' \"c\"; DROP TABLE nas_study; --", "%s {} \\"])
def test_names_in_any_script(store, name):
    study = start_study(store, toy_config(2, 1).model_copy(update={"name": name}))
    assert store.names() == [name]
    assert store.has_optuna_study(name)
    held = claim(store, study.record, f"{name}/1/2", 60.0)
    finish(store, held, RunState.FAILED, value=None, reason=f"error: {name}", facts={"device": name})
    ended = store.last_ended(study.record, 1)[0]
    assert (ended.reason, ended.facts["device"], ended.worker_id) == (f"error: {name}", name, f"{name}/1/2")


def test_a_name_is_taken_once(store):
    store.create()
    add_study(store)
    with pytest.raises(InputError, match=r"study 'toy' exists already in \w+\+\w+://me:\*\*\*@127"):
        add_study(store)

"""Our tables on real servers: what the migrations make, and what fits in."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from lrlc_nas.choices import Plan
from lrlc_nas.config import DataSection, StudyConfig
from lrlc_nas.engine import start_study
from lrlc_nas.errors import InputError
from lrlc_nas.facts import Role
from lrlc_nas.search.optuna_view import create_optuna_tables
from lrlc_nas.store import KernelChoices, NewRun, SiteRecord, claim, finish, set_trial
from lrlc_nas.store.models import Base
from lrlc_nas.store.schema import VERSION_TABLE
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
    study = store.add_study(
        **{
            "name": "toy",
            "config": "{}",
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
        | values
    )
    for run in store.runs(study):
        set_trial(store, study, run.slot, 100 * study.study_id + run.slot)
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


def test_a_database_of_the_first_version_is_brought_forward_with_its_studies(store):
    store.create()
    made = add_study(store)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE nas_kernel_choice")
        connection.exec_driver_sql("DROP TABLE nas_test_opening")
        connection.exec_driver_sql("ALTER TABLE nas_run DROP COLUMN deaths")
        connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '0001'")
    assert difference(store) != []
    store.create()
    assert difference(store) == []
    assert store.study("toy") == made


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


@pytest.mark.parametrize(
    "name", ["größer", "研究", "🧪🔬", "a 'b' \"c\"; DROP TABLE nas_study; --", "%s {} \\"]
)
def test_names_in_any_script(store, name):
    study = start_study(store, toy_config(2, 1).model_copy(update={"name": name}))
    assert store.names() == [name]
    assert store.has_optuna_study(name)
    held = claim(store, study.record, f"{name}/1/2", 60.0)
    finish(store, held, "failed", value=None, reason=f"error: {name}", facts={"device": name})
    ended = store.last_ended(study.record, 1)[0]
    assert (ended.reason, ended.facts["device"], ended.worker_id) == (f"error: {name}", name, f"{name}/1/2")


def test_a_name_is_taken_once(store):
    store.create()
    add_study(store)
    with pytest.raises(InputError, match=r"study 'toy' exists already in \w+\+\w+://me:\*\*\*@127"):
        add_study(store)

"""What Optuna's dashboard gives as CSV runs nothing in a spreadsheet."""

import csv
import io

import optuna
import pytest
from toy_dashboard import client_of, opened

from lrlc_nas.config import StudyConfig
from lrlc_nas.dashboard.spreadsheets import harmless
from lrlc_nas.store import insert_study

FORMULAS = ('=HYPERLINK("http://evil")', "+1+cmd|'/c calc'!A0", "-1-1", "@SUM(A1)", "\t=1", "＝1+1")
NUMBERS = ("-0.5", "+2", "-inf", "1e-3", "nan", "-7")


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_becomes_text(text):
    assert next(csv.reader(io.StringIO(harmless(written(text))))) == ["1", f"'{text}"]


@pytest.mark.parametrize("text", [*NUMBERS, "", "lrlc-2", "a=b", 'größer, "研究"\nnext'])
def test_everything_else_stays_as_it_is(text):
    assert harmless(written(text)) == written(text)


def written(text):
    table = io.StringIO()
    csv.writer(table).writerow(["1", text])
    return table.getvalue()


def test_the_bytes_that_are_downloaded(tmp_path):
    with opened(tmp_path / "study.db") as store:
        store.create()
        study = optuna.create_study(study_name="evil", storage=str(store.url))
        study.add_trial(
            optuna.trial.create_trial(
                value=-0.5,
                params={"=site": "=1+1"},
                distributions={"=site": optuna.distributions.CategoricalDistribution(("=1+1", "lc"))},
                user_attrs={"reason": "=cmd|'/c calc'!A0", "note": "größer, @home", "@at": "@SUM(A1)"},
            )
        )
        insert_study(store, **EMPTY)
        with client_of(store) as client:
            answer = client.get("/csv/1")
    assert answer.headers["content-type"].startswith("text/csv")
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.content.decode() == (
        "Number,State,Value,Param =site,UserAttribute @at,UserAttribute note,UserAttribute reason\r\n"
        "0,COMPLETE,-0.5,'=1+1,'@SUM(A1),\"größer, @home\",'=cmd|'/c calc'!A0\r\n"
    )


EMPTY = {
    "name": "ours",
    "config": StudyConfig(name="ours"),
    "space": {},
    "left_out": {},
    "refused": {},
    "host_fingerprint": "",
    "data_fingerprint": "",
    "facts": {},
    "files": "",
    "sites": [],
    "runs": [],
}

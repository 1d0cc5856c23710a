"""Whoever looks at a study waits for no torch and no SQLAlchemy: what each command imports, in a process of its own."""

import subprocess
import sys

import pytest
import toy_study

from lrlc_nas.engine import start_study
from lrlc_nas.store import Store

LOOK = """
import sys
from lrlc_nas.cli import main
sys.argv = ["lrlc-nas", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    code = end.code or 0
else:
    code = 0
heavy = {"torch", "torchvision", "optuna", "plotly", "scipy", "numpy", "sqlalchemy", "alembic", "psutil"}
print("imported:", *sorted(heavy & set(sys.modules)))
raise SystemExit(code)
"""


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    path = tmp_path_factory.mktemp("looking") / "studies.db"
    store = Store(f"sqlite:///{path}")
    start_study(store, toy_study.config())
    toy_study.work(store)
    store.engine.dispose()
    return path


def look(database, *arguments):
    """The exit code of a command, and what it has imported of the slow libraries."""
    command = [sys.executable, "-c", LOOK, *arguments, "--storage", f"sqlite:///{database}"]
    done = subprocess.run(command, cwd=database.parent, capture_output=True, text=True, timeout=120, check=False)
    said = [line for line in done.stdout.splitlines() if line.startswith("imported:")]
    return done.returncode, set(said[-1].split()[1:]) if said else done.stderr


LIST = frozenset()
SHOW = frozenset({"numpy", "scipy"})
SEARCHED = SHOW | {"sqlalchemy"}  # for a name that is not ours Optuna's tables are asked
REPORT = SEARCHED | {"optuna", "plotly", "psutil"}


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        (("list",), LIST),
        (("show", "toy"), SHOW),
        pytest.param(("power", "toy"), SHOW, marks=pytest.mark.slow),
        (("cards", "toy", "-o", "cards"), SHOW),  # there is no confirmation: an error, and as quick
        pytest.param(("show", "nothing"), SEARCHED, marks=pytest.mark.slow),
        pytest.param(
            ("export", "nothing", "-o", "somewhere"),
            REPORT | {"torch", "torchvision", "alembic"},
            marks=pytest.mark.slow,
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_command_that_looks_imports_little(database, arguments, allowed):
    _, imported = look(database, *arguments)
    assert imported <= allowed


def test_a_page_without_maps_imports_no_torch(database):
    code = (
        "import sys; from lrlc_nas.report import report_page; from lrlc_nas.store import Store;"
        f"report_page(Store('sqlite:///{database}'), 'toy');"
        "import lrlc_nas.dashboard.application, lrlc_nas.dashboard.server;"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split()[-1] == "False"

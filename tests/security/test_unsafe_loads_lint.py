"""The repository's lint refuses whatever would run code of a file or a row that it reads."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

UNSAFE = {
    "pickle": ("import pickle", "TID251"),
    "pickle-from": ("from pickle import loads", "TID251"),
    "pickle-call": ("import pickle\n\n\ndef read(file):\n    return pickle.load(file)", "S301"),
    "pickle-loads": ("import pickle\n\n\ndef read(data):\n    return pickle.loads(data)", "S301"),
    "unpickler": ("import pickle\n\n\ndef read(file):\n    return pickle.Unpickler(file)", "S301"),
    "_pickle": ("import _pickle", "TID251"),
    "cPickle": ("import cPickle", "TID251"),
    "cloudpickle": ("import cloudpickle", "TID251"),
    "dill": ("import dill", "TID251"),
    "joblib": ("from joblib import load", "TID251"),
    "shelve": ("import shelve", "TID251"),
    "marshal": ("import marshal", "TID251"),
    "marshal-call": ("import marshal\n\n\ndef read(data):\n    return marshal.loads(data)", "S302"),
    "torch.load": ("import torch\n\n\ndef read(file):\n    return torch.load(file)", "TID251"),
    "torch.load-unsafe": (
        "import torch\n\n\ndef read(file):\n    return torch.load(file, weights_only=False)",
        "TID251",
    ),
    "torch.load-from": ("from torch import load", "TID251"),
    "safe-globals": ("from torch.serialization import add_safe_globals", "TID251"),
    "torch.hub": ("import torch\n\n\ndef read(name):\n    return torch.hub.load(name)", "TID251"),
    "torch.jit": ("import torch\n\n\ndef read(file):\n    return torch.jit.load(file)", "TID251"),
    "numpy.load": ("import numpy as np\n\n\ndef read(file):\n    return np.load(file, allow_pickle=True)", "TID251"),
    "pandas": ("import pandas as pd\n\n\ndef read(file):\n    return pd.read_pickle(file)", "S301"),
    "yaml": ("import yaml\n\n\ndef read(file):\n    return yaml.load(file, yaml.Loader)", "S506"),
    "yaml-import": ("import yaml", "TID251"),
    "eval": ("def read(text):\n    return eval(text)", "S307"),
    "exec": ("def read(text):\n    exec(text)", "S102"),
    "import": ("from importlib import import_module", "TID251"),
    "shell": ("import subprocess\n\n\ndef run(text):\n    subprocess.run(text, shell=True)", "S602"),
    "shell-of-another": ("def run(call, text):\n    call(text, shell=True)", "S604"),
    "os.system": ("import os\n\n\ndef run(text):\n    os.system(text)", "S605"),
    "tar": ("import tarfile\n\n\ndef read(file):\n    tarfile.open(file).extractall()", "S202"),
    "tar-import": ("import tarfile", "TID251"),
    "zip": ("from zipfile import ZipFile", "TID251"),
    "unpack": ("from shutil import unpack_archive", "TID251"),
    "sampler": ("from optuna.samplers import CmaEsSampler", "TID251"),
    "sampler-call": ("import optuna\n\n\ndef sampler():\n    return optuna.samplers.CmaEsSampler()", "TID251"),
    "journal": ("from optuna.storages import JournalStorage", "TID251"),
    "markup": ("from markupsafe import Markup\n\n\ndef page(name):\n    return Markup(name)", "S704"),
    "autoescape": ("import jinja2\n\n\ndef pages():\n    return jinja2.Environment(autoescape=False)", "S701"),
    "sql": ("def query(name):\n    return f\"SELECT a FROM b WHERE c = '{name}'\"", "S608"),
    "chmod": ("import os\n\n\ndef share(path):\n    os.chmod(path, 0o777)", "S103"),
    "everywhere": ('HOST = "0.0.0.0"', "S104"),
}


def ruff(*arguments: str, text: str | None = None) -> list[dict[str, object]]:
    """What ruff finds with the repository's configuration."""
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format", "json", *arguments]
    done = subprocess.run(command, cwd=ROOT, input=text, capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 1), done.stderr
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[object]]:
    """Name of each unsafe file to the rules that refuse it, as if it lay in the package."""
    folder = tmp_path_factory.mktemp("unsafe") / "lrlc_nas"
    folder.mkdir()
    for name, (code, _) in UNSAFE.items():
        (folder / f"{name}.py").write_text(f'"""A file of the package."""\n\n{code}\n')
    refused: dict[str, set[object]] = {name: set() for name in UNSAFE}
    for finding in ruff("--config", str(ROOT / "pyproject.toml"), str(folder)):
        refused[Path(str(finding["filename"])).stem].add(finding["code"])
    return refused


@pytest.mark.parametrize("name", UNSAFE)
def test_what_runs_code_is_refused(found: dict[str, set[object]], name: str) -> None:
    assert UNSAFE[name][1] in found[name], found[name]


def test_the_package_passes() -> None:
    """With the rules as they are configured, of which only those about security count here."""
    assert [finding for finding in ruff("lrlc_nas") if re.match(r"S\d|TID", str(finding["code"]))] == []


def test_every_exception_is_one_of_these() -> None:
    """Each load that the rules would refuse, and that a comment lets through, is known here."""
    options = ("--ignore-noqa", "--select", "S102,S202,S301,S302,S307,S506,S602,S604,S605,S704,TID251")
    let_through = {
        (str(Path(str(finding["filename"])).relative_to(ROOT)), str(finding["message"]).split("`")[1])
        for finding in ruff(*options, "lrlc_nas")
    }
    assert let_through == {
        ("lrlc_nas/data/embedded/subset.py", "numpy.load"),
        ("lrlc_nas/references.py", "importlib.import_module"),
        ("lrlc_nas/report/page.py", "markupsafe.Markup"),
        ("lrlc_nas/runs/checkpoints.py", "pickle"),
        ("lrlc_nas/runs/checkpoints.py", "torch.load"),
    }


def test_torch_is_new_enough_for_weights_only() -> None:
    """Before 2.10 files could break out of weights-only loading."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert "torch>=2.10" in wanted

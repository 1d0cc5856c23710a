"""A study in Python, where its task lives: in a module, in a script, in a notebook."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lrlc_nas import Study, Task
from lrlc_nas.errors import InputError

ROOT = Path(__file__).parents[1]
NOTEBOOK = """
import torch
from torch import nn
import lrlc_nas

class Host(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 1, 3), nn.Flatten())

def train(network, run):
    for epoch in range(2):
        run.report(epoch, 0.5 + run.seed / 100)

task = lrlc_nas.Task(Host, torch.zeros(2, 1, 6, 6), train)
study = lrlc_nas.Study("note", task, space={"choices": ["lrlc-2"]}, search={"host_repeats": 2})
"""
START = "print([run.state.value for run in study.start(trials=5{}).runs])\n"


def run(folder: Path, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, input=text, capture_output=True, text=True
    )


def test_a_notebook_trains_in_its_own_process_and_with_no_more_than_one_worker(tmp_path: Path) -> None:
    done = run(tmp_path, "-", text=NOTEBOOK + START.format("") + START.format(", workers=2").replace("5", "6"))
    assert done.stdout == f"{['complete'] * 5}\n"
    assert "2 workers cannot import a task of a notebook" in done.stderr


@pytest.mark.slow  # the guide's script is a test too
def test_a_script_that_starts_it_without_a_guard_is_told(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(NOTEBOOK + START.format(", workers=1"))
    done = run(tmp_path, "script.py")
    assert done.returncode == 1
    assert "put what starts it under 'if __name__ == \"__main__\":'" in done.stderr


def test_a_task_that_is_no_global_cannot_be_found_by_workers(tmp_path: Path) -> None:
    import torch
    from torch import nn

    task = Task(nn.Identity, torch.zeros(1, 1), lambda network, run: None)
    with pytest.raises(InputError, match="must be a global of a module"):
        Study("lost", task, storage=f"sqlite:///{tmp_path}/db")


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({"space": {"choice": ["lc"]}}, "unknown key 'choice' in space"),
        ({"budget": {"trials": "many"}}, "budget.trials"),
        ({"spaces": {}}, "spaces"),
        ({"space": {"choices": object()}}, "plain values alone"),
    ],
)
def test_a_section_that_is_wrong_is_named_and_nothing_is_written(tmp_path: Path, sections: dict, told: str) -> None:
    with pytest.raises(InputError, match=told):
        Study("wrong", storage=f"sqlite:///{tmp_path}/db", **sections).start()
    assert not (tmp_path / "db").exists()

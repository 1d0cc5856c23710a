"""Records of a study for the terminal's tests, with names that would be markup or control if they could."""

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console
from toy_epochs import an_epoch

from lrlc_nas.choices import Plan
from lrlc_nas.config import load_config
from lrlc_nas.engine import OpenStudy, start_study
from lrlc_nas.facts import RunState
from lrlc_nas.runs import EpochResult
from lrlc_nas.store import RunRecord, Store

HOSTILE = "[red]x[/red]"


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory) -> OpenStudy:
    """A study that nobody has trained; its name would be markup if it could."""
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('terminal') / 'lrlc-nas.db'}")
    sets = (f"name={HOSTILE!r}", "host.options={channels=4}", "recipe.epochs=4", "budget.trials=6")
    return start_study(store, load_config(None, sets))


@pytest.fixture
def run() -> Callable[..., RunRecord]:
    """Make the record of a run from what matters about it."""

    def make(number: int, state: str, plan: Plan | None = None, **facts: Any) -> RunRecord:
        over = state in ("complete", "pruned", "failed")
        defaults: dict[str, Any] = {
            "run_id": 100 + number,
            "number": number,
            "trial_id": number,
            "role": "sampled",
            "repeat": 0,
            "seed": number,
            "plan": plan,
            "parameters": 1234,
            "macs": 5678,
            "state": RunState(state),
            "reason": "",
            "value": 0.5 + number / 100 if over else None,
            "attempt": 1,
            "worker_id": "",
            "epoch": 4 if over else 0,
            "started": None,
            "finished": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number) if over else None,
            "facts": {},
        }
        return RunRecord(**(defaults | facts))

    return make


@pytest.fixture
def history() -> Callable[..., list[EpochResult]]:
    """Make the epochs of a run, one for each accuracy."""

    def make(run: RunRecord, *accuracies: float) -> list[EpochResult]:
        return [an_epoch(epoch, accuracy, 1.0, images_per_second=12345.6) for epoch, accuracy in enumerate(accuracies)]

    return make


@pytest.fixture
def screen_of() -> Callable[..., Console]:
    """A terminal of so many columns that remembers what it shows."""

    def make(width: int = 100) -> Console:
        return Console(record=True, force_terminal=True, width=width, height=24, file=io.StringIO(), highlight=False)

    return make

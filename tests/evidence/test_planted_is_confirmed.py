"""The whole chain on images whose truth is known: search, claims, confirmation, the sealed test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from lrlc_nas.choices import Plan
from lrlc_nas.config import load_config
from lrlc_nas.engine import OpenStudy, Worker, start_study
from lrlc_nas.engine.concluding import conclusion_of
from lrlc_nas.engine.confirm import confirmation_to_run, measure_sealed
from lrlc_nas.evidence import screen
from lrlc_nas.evidence.claims import claims_worth_testing
from lrlc_nas.evidence.conclusion import Conclusion
from lrlc_nas.store import Store
from lrlc_nas.store import test_openings as openings

STUDIES = Path(__file__).parent.parent.parent / "studies"
SMALL = [
    "name=small",
    "recipe.path=kernel",
    "recipe.epochs=5",
    "data.options.train=2400",
    "data.split.search=600",
    "data.split.confirm=600",
    'space.choices=["lrlc-2"]',
    "search.host_repeats=2",
    "budget.trials=6",
]


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def train(study: OpenStudy) -> None:
    Worker(study.store, study.record, study.prepared, device="cpu").work()


def search(folder: Path, name: str) -> Store:
    store = Store(f"sqlite:///{folder / 'studies.db'}")
    train(start_study(store, load_config(STUDIES / f"{name}.toml", SMALL)))
    return store


def confirmed(store: Store, claims: dict[str, Plan], seeds: int) -> Conclusion:
    train(confirmation_to_run(store, "small", claims, seeds=seeds))
    return conclusion_of(store, "small")[1]


def test_the_planted_site_is_found_and_confirmed_against_every_control_that_shares(tmp_path: Path) -> None:
    store = search(tmp_path, "planted")
    study = store.study("small")
    claims = claims_worth_testing(study, screen(study, store.runs(study), store.epochs(study)))
    first = next(iter(claims))
    assert first == "conv1: lrlc-2"
    conclusion = confirmed(store, {first: claims[first]}, seeds=3)
    (result,) = conclusion.confirmed
    assert result.label == "conv1: lrlc-2"
    assert result.verdict is not None
    assert result.verdict.comparison.difference is not None
    assert result.verdict.comparison.difference > 15
    # A locally connected layer stops sharing as well: the only control that has what is planted.
    assert set(result.verdict.beats) >= {"wide-2", "tied-2", "coord", "lrlc-1"}
    look = measure_sealed(store, "small")
    accuracies = look.values
    assert min(accuracies["conv1: lrlc-2"].values()) > max(accuracies["host"].values())
    assert measure_sealed(store, "small") == look
    record = store.confirmation_of(store.study("small"))
    assert record is not None
    assert len(openings(store, record)) == 1
    store.engine.dispose()


@pytest.mark.slow  # python -m tests.rates counts how often it happens
def test_nothing_is_confirmed_where_position_carries_nothing(tmp_path: Path) -> None:
    store = search(tmp_path, "planted-null")
    claims = {f"{site}: lrlc-2": Plan.of({site: "lrlc-2"}) for site in ("conv1", "conv3")}
    conclusion = confirmed(store, claims, seeds=3)
    assert conclusion.looks == 1
    assert conclusion.confirmed == ()
    store.engine.dispose()

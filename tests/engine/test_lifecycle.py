import json
from pathlib import Path

import optuna
import pytest
import toy_study
from PIL import Image
from torch import nn

from lrlc_nas.choices import Plan
from lrlc_nas.config import load_config
from lrlc_nas.engine import Worker, open_study, prepare, resume_study, start_study
from lrlc_nas.errors import InputError
from lrlc_nas.facts import Role
from lrlc_nas.search.initial_design import balanced_block
from lrlc_nas.store import Store, claim, extend_study


def whole(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def trials_of(store):
    return optuna.load_study(study_name="toy", storage=str(store.url)).trials


def test_a_study_records_all_that_resuming_needs(store):
    config = toy_study.config()
    study = start_study(store, config)
    record = store.study("toy")
    assert record == study.record
    assert record.config == config.with_absolute_paths()
    assert record.space == dict.fromkeys(("first", "second"), ("conv", "lrlc-2", "lrlc-3", "lc"))
    assert [site.name for site in record.sites] == ["first", "second"]
    assert json.loads(json.dumps(record.facts)) == record.facts
    assert record.facts["splits"] == {"train": 54, "search": 24, "confirm": 6, "test": 6}


def test_a_study_is_resumed_from_another_folder(store, tmp_path, monkeypatch):
    """Nothing but the database is given; relative paths are those of where it was started."""
    for label in ("a", "b"):
        (tmp_path / "pictures" / label).mkdir(parents=True)
        for number in range(30):
            Image.new("L", (6, 6), number).save(tmp_path / "pictures" / label / f"{number}.png")
    monkeypatch.chdir(tmp_path)
    start_study(store, toy_study.config(data={"name": "imagefolder:pictures"}))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert resume_study(Store(str(store.url)), "toy").prepared.task.images.name == f"imagefolder:{tmp_path}/pictures"


REFUSED = {
    "host": ({"host": {"name": "torchvision:resnet"}}, r"host 'torchvision:resnet': torchvision has no classif"),
    "data": ({"data": {"name": "nowhere"}}, r"images 'nowhere': no such set; a set is one of embedded, "),
    "pattern": ({"space": {"sites": ["conv*"]}}, r"space.sites: pattern 'conv\*' matches no site; the sites are first"),
    "batch": ({"recipe": {"batch_size": 55}}, r"recipe.batch_size must be at most the 54 images .* got 55"),
    "budget": ({"budget": {"trials": 18}}, r"budget.trials: .* at most 17 runs differ"),
    "options": ({"host": {"options": {"depth": 3}}}, r"host 'toy_study:host': .*'depth'; .*its options are width"),
}


@pytest.mark.parametrize("wrong", REFUSED)
def test_bad_input_is_refused_before_anything_is_written(tmp_path, wrong):
    sections, message = REFUSED[wrong]
    with pytest.raises(InputError, match=message):
        start_study(Store(f"sqlite:///{tmp_path}/studies.db"), toy_study.config(**sections))
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_exists_is_refused(store, study, tmp_path):
    before = store.study("toy")
    message = r"study 'toy' exists already in sqlite:///\S+; 'lrlc-nas resume' continues it, --name gives"
    with pytest.raises(InputError, match=message):
        start_study(store, toy_study.config(seed=3))
    assert store.study("toy") == before


@pytest.mark.parametrize("use", [resume_study, open_study])
def test_a_name_that_does_not_exist_is_refused(tmp_path, use):
    with pytest.raises(InputError, match=r"no study 'toy' in sqlite:///\S+; it holds no study"):
        use(Store(f"sqlite:///{tmp_path}/studies.db"), "toy")
    assert list(tmp_path.iterdir()) == []


def another_pixel(monkeypatch):
    monkeypatch.setattr(toy_study, "PIXEL", 1)


def wider_layers(monkeypatch):
    monkeypatch.setattr(toy_study, "host", toy_study.wider_host)


def another_module(monkeypatch):
    def host(channels, classes, size):
        changed = toy_study.Host(channels, classes, width=3, trouble="")
        changed.relu = nn.Sequential(nn.BatchNorm2d(3), nn.ReLU())
        return changed

    monkeypatch.setattr(toy_study, "host", host)


def fewer_choices(monkeypatch):
    def too_much(_section, host, total, _batch):
        return "too much" if total.parameters - host.parameters > 900 else ""

    monkeypatch.setattr("lrlc_nas.search.space.over_limits", too_much)


HOST = "the host toy_study:host differs from what it recorded: "
DRIFTS = {
    another_pixel: r"the data differ from what it recorded \(sha256 \w{12}…, now \w{12}…\); toy_study:images has",
    wider_layers: HOST + r"at first it was \{.*'out_channels': 3.*\} and is \{.*'out_channels': 4",
    another_module: HOST + r"its modules or the shapes of its parameters",
    fewer_choices: r"the space differs: at first it was \('conv', 'lrlc-2', 'lrlc-3', 'lc'\) and is \(",
}


@pytest.mark.parametrize("drift", DRIFTS, ids=lambda drift: drift.__name__)
@pytest.mark.parametrize("trials", [None, 17])
def test_a_study_does_not_go_on_with_other_data_host_or_space(store, study, tmp_path, monkeypatch, drift, trials):
    store.engine.dispose()
    before = whole(tmp_path)
    drift(monkeypatch)
    with pytest.raises(InputError, match=f"study 'toy' cannot be resumed: {DRIFTS[drift]}"):
        resume_study(store, "toy", trials)
    store.engine.dispose()
    assert whole(tmp_path) == before


def test_the_total_can_be_raised_and_the_study_is_as_if_it_had_been_so_from_the_start(store):
    """The block was laid out for the first budget and stays; the runs that follow have the next seeds."""
    start_study(store, toy_study.config(budget={"trials": 10}))
    toy_study.work(store)
    study = resume_study(store, "toy", trials=13)
    assert study.record.trials == 13
    runs = store.runs(study.record)
    assert [(run.number, run.seed, run.state) for run in runs[10:]] == [
        (number, number, "waiting") for number in (10, 11, 12)
    ]
    assert len(trials_of(store)) == 13
    toy_study.work(store)
    assert {run.state for run in store.runs(study.record)} <= {"complete", "pruned"}
    toy_study.assert_mirrored(store)


def test_the_same_total_again_changes_nothing(store, study):
    assert resume_study(store, "toy", trials=16).record.trials == 16
    assert len(store.runs(store.study("toy"))) == len(trials_of(store)) == 16


@pytest.mark.parametrize(
    ("trials", "message"),
    [
        (11, r"--trials is the total and can only be raised: study 'toy' has 12; got 11"),
        (18, r"--trials: the space of study 'toy' holds at most 17 runs; got 18"),
    ],
)
def test_a_total_that_cannot_be_is_refused(store, study, trials, message):
    with pytest.raises(InputError, match=message):
        resume_study(store, "toy", trials=trials)
    assert store.study("toy").trials == len(trials_of(store)) == toy_study.TRIALS


def test_a_raise_that_was_cut_short_is_made_up_for(store):
    """The runs are there, their trials are not: workers leave them alone, and the next `resume` adds them."""
    study = start_study(store, toy_study.config(recipe={"epochs": 1}, budget={"trials": 10}))
    more = [toy_study.NewRun(Role.SAMPLED, seed=number) for number in (10, 11)]
    extend_study(store, study.record, 12, more)
    Worker(store, study.record, study.prepared, device="cpu").work()
    assert [run.state for run in store.runs(study.record)][10:] == ["waiting"] * 2
    toy_study.work(store)
    assert [run.state for run in store.runs(study.record)][10:] == ["complete"] * 2
    toy_study.assert_mirrored(store)


def test_resuming_does_not_take_the_runs_of_a_living_worker(store, study):
    claim(store, study.record, toy_study.this_process(), 3600.0)
    resume_study(store, "toy")
    assert claim(store, study.record, "me", 3600.0).run.number == 1


def test_the_embedded_study_starts(store):
    study = start_study(store, load_config(None))
    assert len(store.runs(study.record)) == study.prepared.config.budget.trials
    assert {run.role for run in store.runs(study.record)} >= {"host", "fraction", "sampled"}


def test_plans_beyond_the_limits_as_a_whole_are_no_part_of_the_block(store):
    config = toy_study.config(seed=3, budget={"trials": 14})
    prepared = prepare(config)
    assert {run.role for run in block_of(prepared)} == {"host", "fraction"}
    cells = [Plan.of({site: token}) for site, tokens in prepared.space.tokens.items() for token in tokens]
    largest = max(prepared.cost(plan).parameters for plan in cells)
    limit = {"choices": ["lrlc-2", "lrlc-3", "lc"], "max_parameters": largest / prepared.host.parameters}
    limited = prepare(toy_study.config(seed=3, budget={"trials": 14}, space=limit))
    assert limited.space == prepared.space  # each choice alone can be afforded
    allowed = [run.plan for run in block_of(limited) if not limited.excess(run.plan)]
    assert len(allowed) == len(block_of(limited)) - 1  # lc at both sites is left out
    study = start_study(store, limited.config)
    runs = store.runs(study.record)
    assert [run.plan for run in runs if run.role != "sampled"] == allowed
    assert [run.seed for run in runs] == list(range(3, 17))


def block_of(prepared):
    config = prepared.config
    return balanced_block(prepared.space, config.budget.trials, config.search.host_repeats, config.seed)

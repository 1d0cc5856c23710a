"""The challenge of a confirmed gain: planned, trained, resumed and told, for tasks whose truth is known."""

import pytest
from toy_study import config as images_config

from lrlc_nas import Study, report
from lrlc_nas.choices import Plan
from lrlc_nas.config import StudyConfig
from lrlc_nas.engine import Worker, start_study
from lrlc_nas.engine.challenge import plan_challenges, start_challenge
from lrlc_nas.engine.confirm import confirmation_to_run
from lrlc_nas.errors import InputError, LrlcNasError
from lrlc_nas.report import read_study
from lrlc_nas.store import Store
from lrlc_nas.tasks.circumstances import changed
from lrlc_nas.tasks.registry import task_of

SECTIONS = {"space": {"choices": ["lrlc-2"]}, "search": {"host_repeats": 2, "pruner": "none"}, "budget": {"trials": 5}}
CLAIMS = {"first": Plan.of({"0": "lrlc-2"})}


def work(study):
    Worker(study.store, study.record, study.prepared, device="cpu").work()


def searched(folder, task):
    store = Store(f"sqlite:///{folder}/studies.db")
    work(start_study(store, StudyConfig.of({"name": "made", "task": {"name": f"challenged_task:{task}"}} | SECTIONS)))
    return store


def confirmed(folder, task, claims=CLAIMS):
    store = searched(folder, task)
    work(confirmation_to_run(store, "made", claims, seeds=4, smallest_effect=0.5))
    return store


def challenge(store, only=(), seeds=None):
    for planned in plan_challenges(store, "made", only, seeds):
        work(start_challenge(store, planned))
    return read_study(store, "made")


@pytest.fixture(autouse=True)
def _here(monkeypatch, request):
    monkeypatch.syspath_prepend(str(request.path.parent))


def test_a_gain_that_lasts_is_said_to(tmp_path):
    store = confirmed(tmp_path, "lasting")
    reading = challenge(store)
    ((result, row),) = report.challenges(reading)
    assert (result.outcome, row.finding, row.text) == ("lasts", "holds", "epochs = 60")
    assert row.comparison.samples == 50
    (claim,) = reading.conclusion.results
    assert "at this recipe" not in claim.verdict.text
    search = store.study("made")
    longer, before = store.confirmation_of(search, "longer"), store.confirmation_of(search)
    assert longer.name == "made/longer"
    used = {run.seed for study in (search, before) for run in store.runs(study)}
    assert not used & {run.seed for run in store.runs(longer)}, "its seeds are fresh"


def test_a_gain_that_fades_is_known_at_this_recipe_only_and_one_that_turns_is_reversed(tmp_path):
    store = confirmed(tmp_path, "fading")
    (result,) = challenge(store, ["longer"]).confirmation.challenges
    assert result.outcome == "at this recipe only"
    (result,) = challenge(store).confirmation.challenges
    assert ([row.finding for row in result.rows], result.outcome) == (["gone", "reversed"], "reversed")


def test_what_was_begun_is_gone_on_with_and_not_begun_again(tmp_path):
    store = confirmed(tmp_path, "lasting")
    (planned,) = plan_challenges(store, "made", seeds=3)
    assert (planned.runs, planned.present) == (9, "")
    begun = start_challenge(store, planned)
    ((_, row),) = report.challenges(read_study(store, "made"))
    assert (row.finding, row.reason) == ("open", "9 runs to go")
    (again,) = plan_challenges(store, "made", seeds=7)
    assert (again.present, again.runs) == (begun.record.name, 9)
    challenge(store)
    assert len(store.runs(begun.record)) == 9
    assert store.circumstances(store.study("made")) == ["longer"]


def test_a_circumstance_that_cannot_be_trained_leaves_the_claim_open(tmp_path):
    store = confirmed(tmp_path, "troubled")
    with pytest.raises(LrlcNasError, match="no such optimizer"):
        challenge(store)
    ((_, row),) = report.challenges(read_study(store, "made"))
    assert row.finding == "open"


def test_what_cannot_be_challenged_is_refused_with_a_sentence(tmp_path):
    with pytest.raises(InputError, match="no study 'made'"):
        plan_challenges(Store(f"sqlite:///{tmp_path}/studies.db"), "made")
    with pytest.raises(InputError, match=r"names no circumstances .*Task\(challenges="):
        challenge(confirmed(tmp_path, "silent"))
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(InputError, match="nothing to challenge: no claim of it helps"):
        challenge(confirmed(other, "lasting", {"second": Plan.of({"2": "lrlc-2"})}))


def test_before_the_confirmation_has_ended_there_is_nothing_to_challenge(tmp_path):
    store = searched(tmp_path, "lasting")
    with pytest.raises(InputError, match="no confirmation yet"):
        challenge(store)
    confirmation_to_run(store, "made", CLAIMS, seeds=4, smallest_effect=0.5)
    with pytest.raises(InputError, match="runs to go"):
        challenge(store)


def test_an_unknown_circumstance_names_those_that_are_known(tmp_path):
    store = confirmed(tmp_path, "fading")
    with pytest.raises(InputError, match="no circumstance 'shorter'; this study has longer, turned"):
        Study("made", storage=str(store.url)).challenge(["shorter"])


def test_the_circumstances_of_the_classification_leave_all_but_the_training_images_as_they_are():
    split = {"train": 20, "search": 24, "confirm": 6, "test": 6}
    recipe = {"epochs": 3, "learning_rate": 0.05, "batch_size": 10}
    config = images_config(recipe=recipe, data={"split": split})
    task = task_of(config)
    assert task.circumstances.keys() == {"longer", "own-rate", "fewer-images", "more-images"}
    longer = changed(config, task.circumstances["longer"].variants[""])
    assert (longer.recipe.epochs, longer.data) == (9, config.data)
    rates = task.circumstances["own-rate"].variants
    assert [changed(config, each).recipe.learning_rate for each in rates.values()] == pytest.approx([0.0125, 0.05, 0.2])
    for name, images in (("fewer-images", 10), ("more-images", 90 - 24 - 6 - 6)):
        other = task_of(changed(config, task.circumstances[name].variants[""]))
        assert len(other.splits.train) == images
        for role in ("search", "confirm", "test"):
            assert getattr(other.splits, role).images.equal(getattr(task.splits, role).images)


def test_half_of_the_images_are_no_circumstance_where_they_make_no_batch():
    config = images_config(
        recipe={"batch_size": 20}, data={"split": {"train": 30, "search": 24, "confirm": 6, "test": 6}}
    )
    assert "fewer-images" not in task_of(config).circumstances

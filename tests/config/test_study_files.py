import math
from pathlib import Path

import pytest

from lrlc_nas.choices import FORMS
from lrlc_nas.config import Recipe, SplitSpec, StudyConfig, load_config
from lrlc_nas.errors import InputError


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "mine.toml"
        path.write_text(text)
        return path

    return write


def test_an_empty_file_is_a_study_of_defaults_named_as_the_file(write):
    assert load_config(write("")) == StudyConfig(name="mine")


def test_every_value_of_a_file_arrives(write):
    config = load_config(
        write(
            """
            name = "all"
            seed = 5
            [task]
            name = "mine:regression"
            options = { depth = 2 }
            [host]
            name = "torchvision:resnet18"
            options = { stem = "small" }
            weights = "resnet.safetensors"
            [data]
            name = "imagefolder:somewhere"
            root = "elsewhere"
            download = true
            size = 32
            options = { a = [1, 2] }
            [data.split]
            seed = 1
            train = 100
            search = 50
            confirm = 0.5
            test = 0.25
            [recipe]
            epochs = 7
            learning_rate = 1
            flip = true
            [space]
            sites = ["layer*"]
            exclude = ["*down*"]
            choices = ["lc", "lrlc-4-rows", "lrlc-2", "conv"]
            max_parameters = 3
            max_memory = inf
            [search]
            sampler = "random"
            pruner = "none"
            min_epochs = 3
            reduction = 4
            audit = 0.25
            host_repeats = 1
            [budget]
            trials = 99
            """
        )
    )
    assert (config.name, config.seed) == ("all", 5)
    assert config.task.model_dump() == {"name": "mine:regression", "options": {"depth": 2}}
    assert config.host.model_dump() == {
        "name": "torchvision:resnet18",
        "options": {"stem": "small"},
        "weights": "resnet.safetensors",
    }
    data = config.data
    assert (data.name, data.root, data.download, data.size) == ("imagefolder:somewhere", "elsewhere", True, 32)
    assert data.options == {"a": [1, 2]}
    assert data.split == SplitSpec(seed=1, train=100, search=50, confirm=0.5, test=0.25)
    assert (config.recipe.epochs, config.recipe.learning_rate, config.recipe.flip) == (7, 1.0, True)
    space = config.space
    assert (space.sites, space.exclude) == (("layer*",), ("*down*",))
    assert space.choices == ("lrlc-2", "lrlc-4-rows", "lc"), "in the order of relaxation, conv aside"
    assert (space.max_parameters, space.max_memory) == (3.0, math.inf)
    assert config.search.model_dump() == {
        "sampler": "random",
        "pruner": "none",
        "min_epochs": 3,
        "reduction": 4,
        "audit": 0.25,
        "host_repeats": 1,
    }
    assert config.budget.trials == 99
    assert StudyConfig.from_json(config.to_json()) == config


def test_json_is_canonical(write):
    one = load_config(write('seed = 1\n[space]\nchoices = ["lc", "lrlc-2"]\n[recipe]\nlearning_rate = 1'))
    other = load_config(write('[recipe]\nlearning_rate = 1.0\n[space]\nchoices = ["lrlc-2", "lc", "lc"]'), ["seed=1"])
    assert one.to_json() == other.to_json()
    assert StudyConfig.from_json(one.to_json()) == one


def test_what_older_versions_wrote_is_read():
    config = StudyConfig.from_json('{"name":"old","data":{"name":"mnist"},"budget":{"trials":7}}')
    assert (config.data.name, config.budget.trials, config.recipe) == ("mnist", 7, Recipe())


def test_a_study_of_images_is_written_as_by_versions_that_knew_no_other_task():
    assert '"task"' not in load_config(None).to_json()
    own = StudyConfig.from_json('{"name":"own","task":{"name":"a:b"}}')
    assert StudyConfig.from_json(own.to_json()) == own


def test_the_digest_of_training_is_that_of_the_recipe_but_for_another_task():
    config = load_config(None)
    assert config.training_digest == config.recipe.digest
    others = [
        load_config(None, [f"task.name={name}", f"task.options={options}", f"recipe.epochs={epochs}"])
        for name, options, epochs in (("a:b", "{}", 3), ("a:c", "{}", 3), ("a:b", "{x=1}", 3), ("a:b", "{}", 4))
    ]
    assert len({config.training_digest, *(other.training_digest for other in others)}) == 5


@pytest.mark.parametrize("config", [load_config(None), StudyConfig(name="x")])
def test_json_round_trip(config):
    assert StudyConfig.from_json(config.to_json()) == config


REFUSED = {
    "seed = 1\nname = ": r"mine.toml: not TOML: Invalid value",
    "nmae = 'x'": r"mine.toml: unknown key 'nmae' in the top level; did you mean name\? Known keys: budget, data,",
    "[recipe]\nepoch = 3": r"unknown key 'epoch' in recipe; did you mean epochs\? Known keys: batch_size, ",
    "[data.split]\nxyz = 3": r"unknown key 'xyz' in data.split. Known keys: confirm, search, seed, test, train$",
    "[budget]\ntrials = 'many'": r"budget.trials: input should be a valid integer; got 'many'",
    "[budget]\ntrials = 2.5": r"budget.trials: .*integer.*; got 2.5",
    "[budget]\ntrials = true": r"budget.trials: input should be a valid integer; got True",
    "[search]\naudit = 1.5": r"search.audit: input should be less than or equal to 1; got 1.5",
    "[search]\naudit = -0.1": r"search.audit: input should be greater than or equal to 0; got -0.1",
    "[budget]\ntrials = 0": r"budget.trials: input should be greater than or equal to 1; got 0",
    "[budget]\ntrials = 100_001": r"budget.trials: input should be less than or equal to 100000; got 100001",
    "seed = -1": r"seed: input should be greater than or equal to 0; got -1",
    "seed = 9_999_999_999": r"seed: input should be less than",
    "recipe = 3": r"recipe: .*; got 3",
    "[recipe]\nepochs = 0": r"recipe: epochs must be a whole number of at least 1, but is 0",
    "[recipe]\nlearning_rate = nan": r"recipe: learning_rate must be a finite number, but is nan",
    "[recipe]\noptimizer = 'lion'": r"recipe: optimizer must be one of sgd, adamw, but is 'lion'",
    "[data.split]\nsearch = 1.5": r"data.split: search must be a fraction between 0 and 1 or .*, but got 1.5",
    "[data.split]\nsearch = 0": r"data.split: search must be a fraction between 0 and 1 or .*, but got 0",
    "[data]\nsize = 0": r"data.size: input should be greater than or equal to 1; got 0",
    "[space]\nchoices = ['lrlc']": rf"space.choices: unknown choice 'lrlc'; a choice is one of {FORMS[0]}",
    "[space]\nchoices = ['lrlc-0']": r"space.choices: choice 'lrlc-0' has rank 0; a rank is at least 1",
    "[space]\nchoices = ['conv']": r"space.choices: needs at least one choice besides conv",
    "[space]\nchoices = []": r"space.choices: needs at least one choice besides conv",
    "[space]\nmax_memory = 1": r"space.max_memory: input should be greater than 1; got 1",
    "[search]\nsampler = 'cmaes'": r"search.sampler: input should be 'tpe' or 'random'; got 'cmaes'",
    "[search]\nreduction = 1": r"search.reduction: input should be greater than or equal to 2; got 1",
    "name = ''": r"name: .*at least 1 character",
    "name = ' x'": r"name: must be printable and must not begin or end with a space",
    'name = "a\\nb"': r"name: must be printable",
    "[host]\noptions = { born = 1979-05-27 }": r"dates and times have no place in a study file",
}


@pytest.mark.parametrize(("text", "message"), REFUSED.items())
def test_bad_input_is_one_clear_line(write, text, message):
    with pytest.raises(InputError, match=message) as caught:
        load_config(write(text))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["none.toml", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path, name):
    with pytest.raises(InputError, match=r"cannot read the study file \S+: (No such file|Is a directory)"):
        load_config(tmp_path / name)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "mine.toml").write_bytes(b"name = '\xff'")
    with pytest.raises(InputError, match=r"mine.toml: not TOML: "):
        load_config(tmp_path / "mine.toml")


def test_overrides_are_typed_as_toml(write):
    words = [
        "name=a name",
        "seed=3",
        "recipe.flip=true",
        "recipe.learning_rate=1e-3",
        'space.choices=["lc"]',
        "host.options={channels=8}",
        "data.options.attribute=Smiling",
        "data.name='imagefolder:a=b'",
    ]
    config = load_config(write("[recipe]\nepochs = 2\nflip = false"), words)
    assert (config.name, config.seed) == ("a name", 3)
    assert (config.recipe.epochs, config.recipe.flip, config.recipe.learning_rate) == (2, True, 1e-3)
    assert config.space.choices == ("lc",)
    assert (config.host.options, config.data.options) == ({"channels": 8}, {"attribute": "Smiling"})
    assert config.data.name == "imagefolder:a=b"


def test_an_override_leaves_the_rest_of_the_embedded_study():
    changed = load_config(None, ["recipe.epochs=1", "host.options.channels=4"])
    plain = load_config(None)
    assert changed.recipe.batch_size == plain.recipe.batch_size
    assert changed.host.options == plain.host.options | {"channels": 4}


def test_another_host_has_neither_the_options_nor_the_sites_of_the_first(write):
    path = write('name = "s"\n[host]\nname = "m:f"\noptions = { a = 1 }\n[space]\nsites = ["x"]\nexclude = ["y"]')
    other = load_config(path, ["space.exclude=['z']", " host . name = m:g"])
    assert (other.host.name, other.host.options) == ("m:g", {})
    assert (other.space.sites, other.space.exclude) == (("*",), ("z",))
    same = load_config(path, ["host.name=m:f"])
    assert same == load_config(path)


BAD_WORDS = {
    "recipe.epochs": r"--set 'recipe.epochs': required is section.key=value, for example recipe.epochs=20",
    "=3": r"required is section.key=value",
    "a..b=3": r"required is section.key=value",
    "seed.x=3": r"--set 'seed.x=3': seed is a value, not a section",
    "recipe.epochs=two": r"recipe: epochs must be a whole number of at least 1, but is 'two'|recipe.epochs: .*'two'",
    "recipe.epchs=2": r"unknown key 'epchs' in recipe; did you mean epochs\?",
}


@pytest.mark.parametrize(("word", "message"), BAD_WORDS.items())
def test_bad_overrides(write, word, message):
    with pytest.raises(InputError, match=message):
        load_config(write("seed = 1"), [word])


def test_paths_are_made_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    plain = load_config(None, ["data.name=imagefolder:some/where", "data.root=~/images"])
    config = plain.with_absolute_paths()
    assert config.data.name == f"imagefolder:{tmp_path}/some/where"
    assert config.data.root == "/home/me/images"
    assert config.model_copy(update={"data": plain.data}) == plain
    assert config.with_absolute_paths() == config


@pytest.mark.parametrize("name", ["embedded", "mnist", "package.module:function"])
def test_names_of_image_sets_are_no_paths(name):
    assert load_config(None, [f"data.name={name}"]).with_absolute_paths().data.name == name

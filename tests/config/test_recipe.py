import json
from dataclasses import FrozenInstanceError, fields, replace

import pydantic
import pytest

from lrlc_nas.config import Recipe
from lrlc_nas.errors import InputError

OTHER = {
    "epochs": 11,
    "batch_size": 64,
    "optimizer": "adamw",
    "learning_rate": 0.2,
    "momentum": 0.8,
    "weight_decay": 0.0,
    "schedule": "cosine",
    "warmup": 0.0,
    "label_smoothing": 0.1,
    "smoothness": 0.5,
    "precision": "bf16",
    "channels_last": "never",
    "deterministic": True,
    "pad": 4,
    "flip": True,
    "init": "host",
    "path": "bank",
}


def test_digest_is_stable():
    # Checkpoints and study entries carry it: if this changes, old ones no longer match.
    assert Recipe().digest == "ec7affae70bf525039b247f1e34bb80f51a1cc64231ee119abd5ae70bd404729"


def test_every_field_moves_the_digest():
    assert OTHER.keys() == {field.name for field in fields(Recipe)}
    digests = {Recipe().digest, *(replace(Recipe(), **{name: value}).digest for name, value in OTHER.items())}
    assert len(digests) == len(OTHER) + 1


def test_equal_recipes_have_equal_digests():
    assert Recipe(learning_rate=1, weight_decay=0) == Recipe(learning_rate=1.0, weight_decay=0.0)
    assert Recipe(learning_rate=1, weight_decay=0).digest == Recipe(learning_rate=1.0, weight_decay=0.0).digest


def test_is_frozen():
    with pytest.raises(FrozenInstanceError):
        Recipe().epochs = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 0}, "epochs must be a whole number of at least 1, but is 0"),
        ({"epochs": 2.0}, "epochs must be a whole number of at least 1, but is 2.0"),
        ({"epochs": True}, "epochs must be a whole number of at least 1, but is True"),
        ({"batch_size": 1}, "batch_size must be a whole number of at least 2, but is 1"),
        ({"pad": -1}, "pad must be a whole number of at least 0, but is -1"),
        ({"optimizer": "lion"}, "optimizer must be one of sgd, adamw, but is 'lion'"),
        ({"schedule": "step"}, "schedule must be one of one-cycle, cosine, but is 'step'"),
        ({"precision": "fp16"}, "precision must be one of auto, float32, bf16, but is 'fp16'"),
        ({"channels_last": True}, "channels_last must be one of auto, always, never, but is True"),
        ({"init": "zero"}, "init must be one of paper, host, but is 'zero'"),
        ({"learning_rate": 0}, "learning_rate must be above 0, but is 0.0"),
        ({"learning_rate": float("nan")}, "learning_rate must be a finite number, but is nan"),
        ({"learning_rate": "0.1"}, "learning_rate must be a finite number, but is '0.1'"),
        ({"weight_decay": -1e-4}, "weight_decay must be at least 0, but is -0.0001"),
        ({"smoothness": -0.5}, "smoothness must be at least 0, but is -0.5"),
        ({"smoothness": float("inf")}, "smoothness must be a finite number, but is inf"),
        ({"momentum": 1.0}, "momentum must be at least 0 and below 1, but is 1.0"),
        ({"warmup": 1}, "warmup must be at least 0 and below 1, but is 1.0"),
        ({"label_smoothing": -0.1}, "label_smoothing must be at least 0 and below 1, but is -0.1"),
        ({"flip": 1}, "flip must be true or false, but is 1"),
        ({"deterministic": None}, "deterministic must be true or false, but is None"),
    ],
)
def test_rejects(values, message):
    with pytest.raises(InputError, match=rf"^{message.replace('.', '[.]')}$"):
        Recipe(**values)


class TestInsideOfPydantic:
    adapter = pydantic.TypeAdapter(Recipe)

    def test_builds_the_same_recipe(self):
        assert self.adapter.validate_json(json.dumps(OTHER)) == Recipe(**OTHER)

    @pytest.mark.parametrize("values", [{"epoch": 3}, {"epochs": "3"}, {"flip": 1}, {"epochs": 0}])
    def test_rejects_unknown_fields_other_types_and_ranges(self, values):
        with pytest.raises(pydantic.ValidationError, match=next(iter(values))):
            self.adapter.validate_json(json.dumps(values))

"""The keys of the study file, as the guide shows them: `python tests/guide/study_file_page.py` writes them anew."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lrlc_nas import StudyConfig, guide

__all__ = ["MEANINGS", "PAGE", "explained_keys", "page"]

PAGE = Path(guide.__file__).with_name("study-file.md")
_WRITTEN_BY_COMMANDS = "confirmation"
_BEGIN = "<!-- made from the models by tests/guide/study_file_page.py -->\n"
_END = "<!-- until here -->\n"

MEANINGS: Mapping[str, str] = {
    "name": "The name of the study; by default that of the file.",
    "seed": "Of everything. The seed of each run is this plus the number of the run.",
    "hooks": "Functions `package.module:function` that hear of each epoch (`lrlc-nas guide training`).",
    "task.name": "How networks are made, trained and scored: `classification`, or a function "
    "`package.module:function` that is called with the configuration and returns a task.",
    "task.options": "What the task takes.",
    "host.name": "The network: `paper-cnn`, `torchvision:NAME`, or a function `package.module:function`, which is "
    "called as `f(channels=…, classes=…, size=…, **options)` and returns a module.",
    "host.weights": "A safetensors file of a host that was trained before: it is fine-tuned, and relaxed layers start "
    "as its convolutions (`recipe.init`), unless the recipe says otherwise.",
    "host.options": "What the host takes: `channels`, `strides`, `padding`, `kernel_size` of `paper-cnn`; `stem` of "
    "torchvision's networks; the arguments of a function. An unknown option is refused, with a list.",
    "data.name": "The images: `embedded`, `mnist`, `fashion-mnist`, `cifar10`, `cifar100`, `svhn`, `celeba`, "
    "`celeba-translated`, `imagefolder:PATH` (with `train/CLASS/*` and `test/CLASS/*`, or `CLASS/*`), or a function "
    "`package.module:function` that returns images (uint8, N × C × H × W) and labels; `studies/planted.py` in the "
    "repository is a model of one.",
    "data.root": "The folder in which torchvision's sets lie.",
    "data.download": "Whether torchvision may fetch a set that is not there.",
    "data.size": "Height and width to which images are resized; without it, they stay as they are.",
    "data.options": "What the set takes: `attribute` of CelebA, the arguments of a function.",
    "data.split.seed": "Of the division into train, search, confirm and test.",
    "data.split.train": "At most so many training images; without it, all that are left.",
    "data.split.search": "The images on which runs are compared while the search goes on: a fraction or a number.",
    "data.split.confirm": "The images on which a confirmation scores its arms: a fraction or a number.",
    "data.split.test": "The test images, where the set has none of its own: a fraction or a number.",
    "recipe.epochs": "Passes over the training images.",
    "recipe.batch_size": "Images in a step, at least 2.",
    "recipe.optimizer": "`sgd` (with Nesterov momentum) or `adamw`.",
    "recipe.learning_rate": "The peak of the schedule.",
    "recipe.momentum": "Of `sgd`; β₁ of `adamw`.",
    "recipe.weight_decay": "Biases, of any shape, and normalisation layers do not decay; combining weights do.",
    "recipe.schedule": "`one-cycle` or `cosine`, set at each step.",
    "recipe.warmup": "The fraction of the steps before the peak.",
    "recipe.label_smoothing": "The share of the target that is spread evenly over the classes.",
    "recipe.smoothness": "The weight of a penalty on the difference between the combining weights of neighbouring "
    "positions. Not for weights that are computed from the input.",
    "recipe.precision": "`float32`, `bf16`, or `auto`: `bf16` on a GPU that has it.",
    "recipe.channels_last": "The memory layout of images and convolutions: `always`, `never`, or `auto`: on a GPU.",
    "recipe.deterministic": "The same bits each time on a GPU too, at some cost in speed.",
    "recipe.pad": "Pixels of padding before a random crop back to the size of the image; 0: no crop.",
    "recipe.flip": "Mirror each image left to right with probability 1/2.",
    "recipe.init": "How relaxed layers start: `paper` (their own initialisation) or `host` (they compute what the "
    "convolution computes).",
    "recipe.path": "How low-rank layers are computed: `bank`, `kernel`, or `auto`: the faster one, as measured. The "
    "study keeps what was chosen, so a resumed run stays the same to the bit.",
    "space.sites": "Shell patterns over the names of the convolutions that may be relaxed.",
    "space.exclude": "Patterns of those among them that may not.",
    "space.choices": "What a site may become; the table of tokens below, or "
    "`package.module:function` for a layer of your own (`lrlc-nas guide training`). `conv` is always among "
    "the choices.",
    "space.max_parameters": "A choice with which the network would have so many times the parameters of the host is "
    "left out.",
    "space.max_memory": "The same for the memory that training needs.",
    "search.sampler": "What proposes plans after the initial design.",
    "search.pruner": "After epoch `min_epochs`, `min_epochs` × `reduction`, … a sampled run goes on only if it is "
    "among the best 1/`reduction` of the runs that have reached that epoch. The initial design is never pruned. It "
    "spares epochs and costs precision: for the same epochs the intervals of effects are wider.",
    "search.min_epochs": "The first epoch after which a run may be pruned.",
    "search.reduction": "One in so many goes on.",
    "search.audit": "The share of the sampled runs that the pruner never stops; it shows what pruning costs.",
    "search.host_repeats": "Runs of the untouched host, each with another seed. They show how far seeds alone move "
    "the result.",
    "budget.trials": "The number of runs in all, those of the initial design included.",
    "files.keep": "Which complete runs keep their last checkpoint: `best` (those that something reads later) or "
    "`all`. A confirmation keeps all.",
}
"""What each key means; its type, its bounds and its default are the model's own."""


def explained_keys() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key that a study file may hold, with its JSON schema, in the order of the models."""
    schema = StudyConfig.model_json_schema()
    yield from _keys(schema, schema["$defs"], "")


def _keys(model: dict[str, Any], models: dict[str, Any], prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, field in model["properties"].items():
        if name == _WRITTEN_BY_COMMANDS:
            continue
        if "$ref" in field:
            yield from _keys(models[field["$ref"].rpartition("/")[2]], models, f"{prefix}{name}.")
        else:
            yield prefix + name, field


def page() -> str:
    """The page, with the tables of the keys between its two marks made anew."""
    before, begin, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    return before + begin + "\n".join(_tables()) + "\n\n" + _END + rest.partition(_END)[2]


def _tables() -> Iterator[str]:
    section = None
    for key, field in explained_keys():
        if (found := key.rpartition(".")[0]) != section:
            section = found
            yield f"\n## `[{section}]`\n" if section else "\n## At the top\n"
            yield "| key | type | default | meaning |\n| --- | --- | --- | --- |"
        yield f"| `{key}` | {_type(field)} | {_default(field)} | {MEANINGS[key]} |"


def _type(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_type(each) for each in field["anyOf"] if each.get("type") != "null")
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    names = {
        "integer": "whole number",
        "boolean": "true or false",
        "string": "text",
        "array": "list",
        "object": "table",
    }
    bounds = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    limits = [f"{sign} {field[bound]:,}" for bound, sign in bounds.items() if bound in field]
    return " ".join([names.get(field["type"], field["type"]), ", ".join(limits)]).strip()


def _default(field: dict[str, Any]) -> str:
    default = field.get("default")
    return "" if default is None else f"`{json.dumps(default)}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

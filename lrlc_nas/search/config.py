"""The study file: what the user may write, checked at the door.

A study file is TOML. Its sections are the models below; what it leaves out has the default given here. The
embedded study is such a file too, `embedded.toml` beside this one.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ..choices import Choice, Plan
from ..data import SplitSpec
from ..errors import InputError
from ..training import Recipe


__all__ = [
    "Budget",
    "ClaimSection",
    "ConfirmationSection",
    "DataSection",
    "FilesSection",
    "HostSection",
    "Search",
    "SpaceSection",
    "StudyConfig",
    "load_config",
]

_EMBEDDED = Path(__file__).with_name("embedded.toml")
_MOST_BYTES = 2**20
_TOO_DEEP = "values are nested too deeply to be read"

_Count = Annotated[int, Field(ge=1)]
_Share = Annotated[float, Field(gt=0, lt=1)] | Annotated[int, Field(ge=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class HostSection(_Section):
    """The network: ``paper-cnn``, ``torchvision:NAME`` or ``package.module:function``, and its options."""

    name: str = "paper-cnn"
    options: dict[str, Any] = {}


class SplitSection(_Section):
    """How the images are divided; a fraction or a number of images for each part."""

    seed: int = 0
    train: _Count | None = None
    search: _Share = 0.15
    confirm: _Share = 0.15
    test: _Share = 0.15


class DataSection(_Section):
    """The images: ``embedded``, a set of torchvision, ``imagefolder:PATH`` or ``package.module:function``."""

    name: str = "embedded"
    root: str = "data"
    download: bool = False
    size: _Count | None = None
    options: dict[str, Any] = {}
    split: SplitSection = SplitSection()

    @property
    def split_spec(self) -> SplitSpec:
        """The split as the data room takes it."""
        return SplitSpec(**self.split.model_dump())


class SpaceSection(_Section):
    """Where the search may relax, and how far.

    `sites` and `exclude` are shell patterns over qualified names. `choices` are tokens of any form; ``conv`` is
    always there. A choice that would make the network larger than `max_parameters` times the host's parameters,
    or its training larger than `max_memory` times the host's training memory, is left out of the space, and so is
    one that cannot be built at a site.
    """

    sites: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    choices: tuple[str, ...] = ("lrlc-2", "lrlc-4", "lc")
    max_parameters: Annotated[float, Field(gt=1)] = 400.0
    max_memory: Annotated[float, Field(gt=1)] = 8.0

    @field_validator("choices")
    @classmethod
    def _known_choices(cls, tokens: tuple[str, ...]) -> tuple[str, ...]:
        choices = {Choice.parse(token) for token in tokens}
        relaxed = sorted((choice for choice in choices if choice.kind != "conv"), key=lambda c: c.relaxation)
        if not relaxed:
            raise InputError("needs at least one choice besides conv")
        return tuple(choice.token for choice in relaxed)


class Search(_Section):
    """How plans are proposed after the balanced block, and when a run is given up.

    With ``successive-halving`` a sampled run goes on after epoch `min_epochs`, `min_epochs` x `reduction`, …
    only while its accuracy is among the best 1/`reduction` of all runs that have reached that epoch. The share
    `audit` of the sampled runs goes on all the same, to show what giving up costs.
    """

    sampler: Literal["tpe", "random"] = "tpe"
    pruner: Literal["successive-halving", "none"] = "successive-halving"
    min_epochs: _Count = 2
    reduction: Annotated[int, Field(ge=2)] = 2
    audit: Annotated[float, Field(ge=0, le=1)] = 0.1
    host_repeats: Annotated[int, Field(ge=1)] = 3


class Budget(_Section):
    """How much may be spent: the number of runs, the balanced block included."""

    trials: Annotated[int, Field(ge=1, le=100_000)] = 24


class FilesSection(_Section):
    """Which runs keep their last checkpoint once they are complete.

    With ``best`` these are the best run, the last one, and the runs that the report looks into: the best relaxed
    one, the best of the host and its first three. A confirmation keeps ``all``: the test images need every seed.
    """

    keep: Literal["best", "all"] = "best"


class ClaimSection(_Section):
    """A plan that is said to help, and the plans that may explain why: label to site to token."""

    label: str
    plan: dict[str, str]
    controls: dict[str, dict[str, str]]


class ConfirmationSection(_Section):
    """What a confirmation tests; `lrlc-nas confirm` writes it, a study file cannot.

    `of` is the study that made the claims, `family` the number of hypotheses that it looked at, `smallest_effect` is
    in points of accuracy, and `notes` say what had to be decided about the controls.
    """

    of: str
    claims: tuple[ClaimSection, ...]
    family: Annotated[int, Field(ge=1)]
    smallest_effect: Annotated[float, Field(gt=0, lt=100)] = 0.3
    notes: tuple[str, ...] = ()

    @property
    def arms(self) -> tuple[Plan, ...]:
        """Every plan once: the untouched host, then each claim with its controls."""
        plans = [Plan()]
        for claim in self.claims:
            plans += [Plan.of(claim.plan), *(Plan.of(tokens) for tokens in claim.controls.values())]
        return tuple(dict.fromkeys(plans))


class StudyConfig(_Section):
    """A whole study."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    seed: Annotated[int, Field(ge=0, lt=2**31 - 100_000)] = 0
    host: HostSection = HostSection()
    data: DataSection = DataSection()
    recipe: Recipe = Recipe()
    space: SpaceSection = SpaceSection()
    search: Search = Search()
    budget: Budget = Budget()
    files: FilesSection = FilesSection()
    confirmation: ConfirmationSection | None = None

    @property
    def confirmed(self) -> ConfirmationSection:
        """What a confirmation tests.

        Raises:
            InputError: if this is a search.
        """
        if self.confirmation is None:
            raise InputError(f"study {self.name!r} is not a confirmation")
        return self.confirmation

    @field_validator("name")
    @classmethod
    def _printable(cls, name: str) -> str:
        if not name.isprintable() or name != name.strip():
            raise InputError("must be printable and must not begin or end with a space")
        return name

    def with_absolute_paths(self) -> StudyConfig:
        """The same study, with paths to its images that hold in any folder."""
        form, colon, path = self.data.name.partition(":")
        name = f"{form}:{_absolute(path)}" if form == "imagefolder" and colon else self.data.name
        data = self.data.model_copy(update={"name": name, "root": _absolute(self.data.root)})
        return self.model_copy(update={"data": data})

    def to_json(self) -> str:
        """Canonical JSON, from which `from_json` makes an equal configuration."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> StudyConfig:
        """Read what `to_json` wrote.

        Raises:
            InputError: if it did not write this.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise InputError(f"a study's configuration is damaged: {_first_problem(error)}") from None


def load_config(path: Path | None = None, overrides: Iterable[str] = ()) -> StudyConfig:
    """Read a study file and apply overrides; a file that does not name its study is named as the file.

    Args:
        path: a TOML file; None for the embedded study.
        overrides: ``section.key=value``, the value as TOML would have it; what is no TOML value is a string.

    Raises:
        InputError: one line that says what was required, what came and where.
    """
    where = "the embedded study" if path is None else str(path)
    path = path or _EMBEDDED
    table = {"name": path.stem} | _read_toml(path)
    for override in overrides:
        _override(table, override)
    if "confirmation" in table:
        raise InputError(f"{where}: {_unknown_key(['confirmation'])}")
    try:
        text = json.dumps(table)
    except TypeError:
        raise InputError(f"{where}: dates and times have no place in a study file") from None
    except RecursionError:
        raise InputError(f"{where}: {_TOO_DEEP}") from None
    try:
        return StudyConfig.model_validate_json(text)
    except ValidationError as error:
        raise InputError(f"{where}: {_first_problem(error)}") from None


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().absolute())


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot read the study file {path}: {error.strerror}") from None
    if len(content) > _MOST_BYTES:
        raise InputError(f"{path}: a study file has at most {_MOST_BYTES:,} bytes, and this one has more")
    try:
        return tomllib.loads(content.decode())
    except ValueError as error:  # tomllib lets through what int() and decode() raise
        raise InputError(f"{path}: not TOML: {error}") from None
    except RecursionError:
        raise InputError(f"{path}: {_TOO_DEEP}") from None


def _override(table: dict[str, Any], text: str) -> None:
    path, equals, raw = text.partition("=")
    keys = [key.strip() for key in path.split(".")]
    if not equals or not all(keys):
        raise InputError(f"--set {text!r}: required is section.key=value, for example recipe.epochs=20")
    for key in keys[:-1]:
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            raise InputError(f"--set {text!r}: {key} is a value, not a section")
    table[keys[-1]] = _toml_value(raw.strip())


def _toml_value(raw: str) -> Any:
    try:
        return tomllib.loads(f"value = {raw}")["value"]
    except tomllib.TOMLDecodeError:
        return raw
    except (ValueError, RecursionError) as error:
        raise InputError(f"--set: the value cannot be read: {error}") from None


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    location = [part for part in problem["loc"] if not _is_tag(part)]
    name = ".".join(str(part) for part in location)
    if problem["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return _unknown_key(location)
    if problem["type"] == "value_error":
        cause = problem.get("ctx", {}).get("error", problem["msg"])
        return f"{name}: {cause}"
    return f"{name}: {problem['msg'][0].lower()}{problem['msg'][1:]}; got {problem['input']!r}"


def _is_tag(part: int | str) -> bool:
    # pydantic adds the member of a union that it tried, such as 'constrained-float'.
    return isinstance(part, str) and (part.startswith("constrained-") or part in ("int", "float"))


def _unknown_key(location: list[int | str]) -> str:
    known = sorted(_keys(location[:-1]))
    key = str(location[-1])
    close = difflib.get_close_matches(key, known, n=1)
    hint = f"; did you mean {close[0]}?" if close else "."
    section = ".".join(str(part) for part in location[:-1]) or "the top level"
    return f"unknown key {key!r} in {section}{hint} Known keys: {', '.join(known)}"


def _keys(location: Iterable[int | str]) -> Iterable[str]:
    section: Any = StudyConfig(name="any")
    for part in location:
        section = section[part] if isinstance(section, Mapping) else getattr(section, str(part))
    if is_dataclass(section):
        return [field.name for field in fields(section)]
    return [name for name in type(section).model_fields if name != "confirmation"]

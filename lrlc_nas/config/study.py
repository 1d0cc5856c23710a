"""A whole study, as the user wrote it: what is parsed once, stored as JSON and carried in the study's record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator

from ..errors import InputError
from .problems import first_problem
from .recipe import Recipe
from .sections import (
    BudgetSection,
    ConfirmationSection,
    DataSection,
    FilesSection,
    HostSection,
    SearchSection,
    Section,
    SpaceSection,
    TaskSection,
)

__all__ = ["StudyConfig", "fine_tuned"]


class StudyConfig(Section):
    """A whole study.

    `hooks` are functions ``package.module:function`` that are called after each epoch (`lrlc_nas.engine.hooks`).
    """

    name: Annotated[str, Field(min_length=1, max_length=200)]
    seed: Annotated[int, Field(ge=0, lt=2**31 - 100_000)] = 0
    task: TaskSection = TaskSection()
    host: HostSection = HostSection()
    data: DataSection = DataSection()
    recipe: Recipe = Recipe()
    space: SpaceSection = SpaceSection()
    search: SearchSection = SearchSection()
    budget: BudgetSection = BudgetSection()
    files: FilesSection = FilesSection()
    hooks: tuple[str, ...] = ()
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

    @property
    def host_name(self) -> str:
        """The host, or the task that brings its own."""
        return self.host.name if self.task == TaskSection() else self.task.name

    @property
    def data_name(self) -> str:
        """The images, or the task that brings its own data."""
        return self.data.name if self.task == TaskSection() else self.task.name

    @property
    def has_own_task(self) -> bool:
        """Whether networks are trained by something else than the built-in task."""
        return self.task != TaskSection()

    @property
    def subject(self) -> str:
        """What is searched, in words: the host and its images, or the task."""
        return self.task.name if self.has_own_task else f"{self.host.name} on {self.data.name}"

    @property
    def training_digest(self) -> str:
        """Of all that decides how a network is trained, but for its host, its data, its plan and its seed."""
        if self.task == TaskSection():
            return self.recipe.digest  # what checkpoints have carried from the beginning
        text = json.dumps([self.task.model_dump(mode="json"), self.recipe.digest], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @field_validator("name")
    @classmethod
    def _printable(cls, name: str) -> str:
        if not name.isprintable() or name != name.strip():
            raise InputError("must be printable and must not begin or end with a space")
        return name

    def with_absolute_paths(self) -> StudyConfig:
        """The same study, with paths to its images and weights that hold in any folder."""
        form, colon, path = self.data.name.partition(":")
        name = f"{form}:{_absolute(path)}" if form == "imagefolder" and colon else self.data.name
        data = self.data.model_copy(update={"name": name, "root": _absolute(self.data.root)})
        weights = self.host.weights and _absolute(self.host.weights)
        return self.model_copy(update={"data": data, "host": self.host.model_copy(update={"weights": weights})})

    def to_json(self) -> str:
        """Canonical JSON, from which `from_json` makes an equal configuration."""
        fresh = {"task": TaskSection(), "hooks": ()}  # older versions know no other
        usual = {key for key, value in fresh.items() if getattr(self, key) == value}
        plain = self.model_dump(mode="json", exclude=usual)
        if not self.host.weights:
            del plain["host"]["weights"]
        return json.dumps(plain, sort_keys=True, separators=(",", ":"))

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> StudyConfig:
        """Read a configuration from plain values, as a study file has them.

        Raises:
            InputError: one line that says where it is wrong.
        """
        try:
            return cls.from_json(json.dumps(fine_tuned(values)))
        except TypeError as error:
            raise InputError(f"a section of a study holds plain values alone: {error}") from None

    @classmethod
    def from_json(cls, text: str) -> StudyConfig:
        """Read what `to_json` wrote, of this version or an older one.

        Raises:
            InputError: one line that says where it is wrong.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise InputError(first_problem(error, cls(name="any"))) from None


def fine_tuned(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a user wrote; a host that brings weights is relaxed as its function, unless they say otherwise."""
    host, recipe = values.get("host"), values.get("recipe", {})
    brings = isinstance(host, Mapping) and bool(host.get("weights"))
    return {**values, "recipe": {"init": "host", **recipe}} if brings and isinstance(recipe, Mapping) else values


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().absolute())

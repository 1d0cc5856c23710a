"""The sections of a study file, each with its defaults."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ..choices import Choice, Plan
from ..errors import InputError
from .split import SplitSpec

__all__ = [
    "BudgetSection",
    "ClaimSection",
    "ConfirmationSection",
    "DataSection",
    "FilesSection",
    "HostSection",
    "SearchSection",
    "Section",
    "SpaceSection",
    "TaskSection",
]

_Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A table of a study file: unknown keys and values of another type are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class TaskSection(Section):
    """How networks are made, trained and scored: ``classification``, or ``package.module:function``.

    The function is called with the study's configuration and gives a `lrlc_nas.tasks.TaskProtocol`, which may
    read `options` and any other section. Classification reads ``host``, ``data`` and ``recipe``.
    """

    name: str = "classification"
    options: dict[str, Any] = {}


class HostSection(Section):
    """The network: ``paper-cnn``, ``torchvision:NAME`` or ``package.module:function``, and its options.

    With `weights`, a safetensors file, it is fine-tuned, and relaxed layers start as the function of its convolutions,
    unless the recipe says otherwise.
    """

    name: str = "paper-cnn"
    options: dict[str, Any] = {}
    weights: str = ""


class DataSection(Section):
    """The images: ``embedded``, a set of torchvision, ``imagefolder:PATH`` or ``package.module:function``."""

    name: str = "embedded"
    root: str = "data"
    download: bool = False
    size: _Count | None = None
    options: dict[str, Any] = {}
    split: SplitSpec = SplitSpec()


class SpaceSection(Section):
    """Where the search may relax, and how far.

    `sites` and `exclude` are shell patterns over qualified names. `choices` are tokens of any form, or layers of the
    user's (`lrlc_nas.networks.own_layers`); ``conv`` is always there. A choice that would make the network larger than
    `max_parameters` times the host's parameters, or its training larger than `max_memory` times the host's training
    memory, is left out of the space, and so is one that cannot be built at a site.
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


class SearchSection(Section):
    """How plans are proposed after the balanced block, and when a run is pruned.

    With ``successive-halving`` a sampled run goes on after epoch `min_epochs`, `min_epochs` x `reduction`, …
    only while its accuracy is among the best 1/`reduction` of all runs that have reached that epoch. The share
    `audit` of the sampled runs goes on all the same, to show what pruning costs.

    None is pruned by default. Pruning buys more runs, but not precision: for the same epochs the intervals of simulated
    searches of 36 to 200 runs are 1.1 to 1.5 times as wide with it (`python -m tests.rates`).
    """

    sampler: Literal["tpe", "random"] = "tpe"
    pruner: Literal["successive-halving", "none"] = "none"
    min_epochs: _Count = 2
    reduction: Annotated[int, Field(ge=2)] = 2
    audit: Annotated[float, Field(ge=0, le=1)] = 0.1
    host_repeats: Annotated[int, Field(ge=1)] = 3


class BudgetSection(Section):
    """How much may be spent: the number of runs, the balanced block included."""

    trials: Annotated[int, Field(ge=1, le=100_000)] = 24


class FilesSection(Section):
    """Which runs keep their last checkpoint once they are complete.

    With ``best`` these are the best run, the last one, and the runs that the report looks into: the best relaxed
    one, the best of the host and its first three. A confirmation keeps ``all``: the test images need every seed.
    """

    keep: Literal["best", "all"] = "best"


class ClaimSection(Section):
    """A plan that is said to help, and the plans that may explain why: label to site to token."""

    label: str
    plan: dict[str, str]
    controls: dict[str, dict[str, str]]

    @property
    def as_plan(self) -> Plan:
        """The plan that is claimed."""
        return Plan.of(self.plan)


class ConfirmationSection(Section):
    """What a confirmation tests; `lrlc-nas confirm` writes it, a study file cannot.

    `of` is the study that made the claims, `family` the number of hypotheses that the verdicts hold for together,
    `smallest_effect` is in the unit of the metric, and `notes` say what had to be decided about the controls. With
    `together` the intervals hold together as the verdicts do; older confirmations showed each by itself. A challenge
    is a confirmation under a `circumstance`, with a network also scored on the search split where it has a `variant`.
    """

    of: str
    claims: tuple[ClaimSection, ...]
    family: Annotated[int, Field(ge=1)]
    smallest_effect: Annotated[float, Field(gt=0)] = 0.3
    notes: tuple[str, ...] = ()
    together: bool = False
    circumstance: str = ""
    variant: str = ""

    @property
    def arms(self) -> tuple[Plan, ...]:
        """Every plan once: the untouched host, then each claim with its controls."""
        plans = [Plan()]
        for claim in self.claims:
            plans += [Plan.of(claim.plan), *(Plan.of(tokens) for tokens in claim.controls.values())]
        return tuple(dict.fromkeys(plans))

"""The confirmation of a study: its claims, trained again on fresh seeds beside the controls that may explain them.

It is a study of its own in the same database, with runs that are all planned, so that the same workers claim them,
resume them and survive with them. Its scores are on the confirm split, which the search never saw. What is to be
tested, and how, is fixed when it is created; later only seeds may be added, a stage at a time
(`lrlc_nas.evidence` says what a stage costs).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

import torch

from ..choices import Choice, Plan, controls
from ..config import ACCURACY, ClaimSection, ConfirmationSection, SpaceSection, StudyConfig
from ..errors import InputError
from ..facts import Role
from ..networks import why_not_buildable
from ..search.space import build_space
from ..store import NewRun, Store, StudyRecord, extend_study
from ..tasks import Latency
from .lifecycle import OpenStudy, add_study, catch_up, open_study
from .preparation import Prepared

__all__ = [
    "PlannedConfirmation",
    "add_seeds",
    "free_name",
    "fresh_seed",
    "pair_of_runs",
    "plan_confirmation",
    "start_confirmation",
]

_WIDEST = (2, 4, 8, 16)
"""The widths that are tried as the control of a choice that has no rank."""

_SEARCH_SEEDS = 100_000
_LONGEST_NAME = 200


def fresh_seed(config: StudyConfig, pair: int) -> int:
    """The seed that all arms share in one pair of a confirmation or a challenge; no run of the search can have it."""
    circumstance = config.confirmation.circumstance if config.confirmation else ""
    purpose = f"challenge {circumstance}" if circumstance else "confirmation"
    digest = hashlib.sha256(f"{config.seed}: {purpose} {pair}".encode()).digest()
    seed = int.from_bytes(digest[:8], "big") % (2**31 - 2 * _SEARCH_SEEDS)
    # The search counts its seeds up from that of the study.
    return seed if seed < config.seed else seed + _SEARCH_SEEDS


@dataclass(frozen=True)
class PlannedConfirmation:
    """A confirmation that is not written yet: everything is fixed that is to be tested.

    Attributes:
        study: that made the claims.
        prepared: the confirmation made concrete.
        latencies: how long a training step of each of its arms takes.
        seeds: for each arm.
    """

    study: OpenStudy
    prepared: Prepared
    latencies: Mapping[Plan, Latency]
    seeds: int

    @property
    def arms(self) -> tuple[Plan, ...]:
        """Every plan that is trained."""
        return self.prepared.config.confirmed.arms

    def start(self) -> OpenStudy:
        """Create a run for every arm and seed."""
        runs = [run for pair in range(self.seeds) for run in pair_of_runs(self.prepared, self.arms, pair, 1)]
        facts = {"latencies": {plan.to_json(): latency.as_dict() for plan, latency in self.latencies.items()}}
        return add_study(self.study.store, self.prepared, runs, facts, parent=self.study.record)


def start_confirmation(
    store: Store,
    name: str,
    claims: Mapping[str, Plan],
    *,
    seeds: int,
    smallest_effect: float,
    device: torch.device | str = "cpu",
) -> OpenStudy:
    """Fix what is to be tested, and create a run for every arm and seed; see `plan_confirmation`."""
    return plan_confirmation(
        store, name, claims, lambda arms: seeds, smallest_effect=smallest_effect, device=device
    ).start()


def plan_confirmation(
    store: Store,
    name: str,
    claims: Mapping[str, Plan],
    seeds: Callable[[int], int],
    *,
    smallest_effect: float,
    device: torch.device | str = "cpu",
) -> PlannedConfirmation:
    """Fix what is to be tested; nothing is written.

    Args:
        store: the study database.
        name: of the study that made the claims.
        claims: label to plan, each of choices that the study looked at.
        seeds: the number of arms to that of the seeds that every arm is trained with, at least 2.
        smallest_effect: in the unit of the metric; what is smaller than this is called equivalent.
        device: where the latencies of the cards are measured.

    Raises:
        InputError: if there is no such study or it has changed, the smallest effect is none, a claim is outside
            its space, or it has a confirmation already.
    """
    if store.confirmation_of(store.study(name)) is not None:
        raise InputError(
            f"study {name!r} has a confirmation already; 'lrlc-nas confirm' without claims continues it, "
            "and --seeds adds seeds to it"
        )
    most = ACCURACY.scale if store.study(name).metric == ACCURACY else math.inf
    if not 0 < smallest_effect < most:
        raise InputError(f"smallest_effect must be above 0 and below {most:g}, but is {smallest_effect:g}")
    study = open_study(store, name)
    if study.prepared.config.confirmation is not None:
        raise InputError(f"study {name!r} is a confirmation itself")
    _require_claims(study.record, claims)
    prepared, number = _prepared(study, claims, seeds, smallest_effect, device)
    return PlannedConfirmation(study, prepared, prepared.latencies(prepared.config.confirmed.arms, device), number)


def add_seeds(store: Store, study: OpenStudy, seeds: int) -> OpenStudy:
    """Raise the number of seeds of a confirmation: its next stage.

    Raises:
        InputError: if the present stage has not ended, or `seeds` is not above the present number.
    """
    runs = store.runs(study.record)
    arms = study.prepared.config.confirmed.arms
    present = len({run.seed for run in runs})
    if seeds <= present:
        raise InputError(f"--seeds is the total and can only be raised: there are {present}; got {seeds}")
    if any(run.finished is None for run in runs):
        raise InputError(
            "the present stage has to end before seeds are added; "
            f"'lrlc-nas confirm {study.prepared.config.confirmed.of}' continues it"
        )
    stage = 1 + max(run.stage for run in runs)
    more = [run for pair in range(present, seeds) for run in pair_of_runs(study.prepared, arms, pair, stage)]
    extend_study(store, study.record, len(runs) + len(more), more)
    catch_up(study)
    return OpenStudy(store, store.study(study.record.name), study.prepared)


def free_name(store: Store, search: str, purpose: str) -> str:
    """What a confirmation or challenge of a search is called; a study may have such a name without being one."""
    taken = set(store.names())
    for number in count(1):
        suffix = f"/{purpose}" if number == 1 else f"/{purpose}-{number}"
        name = search[: _LONGEST_NAME - len(suffix)] + suffix
        if name not in taken and not store.has_optuna_study(name):
            return name
    raise AssertionError("unreachable: the numbers do not end")


def _require_claims(study: StudyRecord, claims: Mapping[str, Plan]) -> None:
    if not claims:
        raise InputError(f"study {study.name!r}: there is nothing to confirm")
    for label, plan in claims.items():
        if not plan.tokens:
            raise InputError(f"claim {label!r} is the untouched host, with which all claims are compared")
        plan.require_sites(study.space)
        for site, token in plan.tokens.items():
            if token not in study.space[site]:
                raise InputError(
                    f"claim {label!r}: {token} at {site} is not in the space of study {study.name!r}, which has "
                    f"{', '.join(study.space[site])} there"
                )


def _prepared(
    study: OpenStudy,
    claims: Mapping[str, Plan],
    seeds: Callable[[int], int],
    smallest_effect: float,
    device: torch.device | str,
) -> tuple[Prepared, int]:
    """The confirmation made concrete, and the number of its seeds."""
    prepared = study.prepared
    widths, width_notes = _widths(prepared, claims.values(), device)
    wanted = {label: controls(plan, widths) for label, plan in claims.items()}
    everything = [*claims.values(), *(plan for plans in wanted.values() for plan in plans.values())]
    tokens = {token for plan in everything for token in plan.tokens.values()}
    section = SpaceSection(**prepared.config.space.model_dump() | {"choices": tuple(tokens)})
    space = build_space(section, prepared.survey, prepared.host, prepared.task.training_bytes)
    sections, dropped = _claim_sections(claims, wanted, space.tokens)
    confirmation = ConfirmationSection(
        of=study.record.name,
        claims=sections,
        family=len(claims),
        together=True,
        smallest_effect=smallest_effect,
        notes=(*width_notes, *dropped),
    )
    number = seeds(len(confirmation.arms))
    config = prepared.config.model_copy(
        update={
            "name": free_name(study.store, study.record.name, "confirmation"),
            "space": section,
            "budget": prepared.config.budget.model_copy(update={"trials": number * len(confirmation.arms)}),
            "confirmation": confirmation,
        }
    )
    return replace(prepared, config=config, space=space), number


def _claim_sections(
    claims: Mapping[str, Plan], wanted: Mapping[str, Mapping[str, Plan]], space: Mapping[str, tuple[str, ...]]
) -> tuple[tuple[ClaimSection, ...], list[str]]:
    sections, notes = [], []
    for label, plan in claims.items():
        kept = {}
        for control, control_plan in wanted[label].items():
            if all(token in space.get(site, ()) for site, token in control_plan.tokens.items()):
                kept[control] = control_plan.tokens
            else:
                notes.append(f"{label}: no control {control}, because it cannot be built or afforded there")
        sections.append(ClaimSection(label=label, plan=plan.tokens, controls=kept))
    return tuple(sections), notes


def _widths(
    prepared: Prepared, plans: Iterable[Plan], device: torch.device | str
) -> tuple[dict[tuple[str, Choice], int], list[str]]:
    """A rank for each choice at a site that has none: the largest whose wide control is no slower than the choice.

    Equal parameters would be absurd for a locally connected layer (a kernel for each position).
    """
    sites = {(site, choice) for plan in plans for site, choice in plan if not choice.rank}
    widths, notes = {}, []
    for site, choice in sorted(sites, key=str):
        widths[site, choice], found = _width(prepared, site, choice, device)
        notes.append(f"{site}: {_why_no_rank(choice)}; {found}")
    return widths, notes


def _why_no_rank(choice: Choice) -> str:
    if choice.kind == "lc":
        return "lc has a kernel for each position, and equal parameters would be absurd"
    return f"{choice} has no rank"


def _width(prepared: Prepared, site: str, choice: Choice, device: torch.device | str) -> tuple[int, str]:
    """The rank of the controls of a choice without one, and how it was found."""
    wide = {rank: Choice("wide", rank) for rank in _WIDEST}
    plans = {
        rank: Plan.of({site: control})
        for rank, control in wide.items()
        if why_not_buildable(prepared.survey, site, control) is None
    }
    if not plans:
        return _WIDEST[0], f"its tied control has rank {_WIDEST[0]}, and no wide one can be built there"
    claim = Plan.of({site: choice})
    took = prepared.latencies([claim, *plans.values()], device)
    within = [rank for rank, plan in plans.items() if took[plan].seconds <= took[claim].seconds]
    rank = max(within, default=min(plans))
    tried = ", ".join(map(str, plans))
    way = (
        f"the largest of {tried} whose training step is no slower (measured)"
        if within
        else f"the smallest of {tried}, though the training step of each of them is slower (measured: "
        f"{1000 * took[plans[rank]].seconds:.3g} ms against {1000 * took[claim].seconds:.3g} ms)"
    )
    return rank, f"its wide and tied controls have rank {rank}, {way}"


def pair_of_runs(prepared: Prepared, arms: Sequence[Plan], pair: int, stage: int) -> Iterator[NewRun]:
    """A run of each arm, all with the seed of the pair."""
    seed = fresh_seed(prepared.config, pair)
    for plan in arms:
        cost = prepared.cost(plan)
        yield NewRun(Role.CONFIRM, seed, pair, plan, cost.parameters, cost.macs, stage)

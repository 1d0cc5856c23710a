"""Simulated searches, whose truth is known, to see how often the intervals of a screening hold it.

A simulated search is made like a real one: the balanced block, then plans of a sampler that returns to what looked
good, runs judged at rungs by the rule of `lrlc_nas.search.pruning`, a share of them audited. Only the training is
replaced: after epoch e of E a run of plan x has, in points,

    accuracy = host + Σ ((e/E)·effect[s, c] + (1 - e/E)·head_start[s, c])·x[s, c] + noise,

with effects, head starts and noise drawn from normal distributions, the noise of successive epochs correlated. Head
starts make choices learn at speeds of their own, so that who is ahead at a rung is not who is ahead at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.random import Generator, default_rng

from lrlc_nas.choices import CONV, Plan
from lrlc_nas.config import StudyConfig
from lrlc_nas.evidence.design_matrix import Cell, cells_of
from lrlc_nas.evidence.effects import Screening, screen
from lrlc_nas.facts import EndCause, Role, RunState
from lrlc_nas.runs.results import EpochResult
from lrlc_nas.search.pruning import AUDIT, audited, falls_behind, is_rung
from lrlc_nas.store import RunRecord, StudyRecord

__all__ = ["Coverage", "Setting", "SimulatedSearch", "coverage", "simulate_search"]

_HOST = 70.0
_MUTATION = 0.2
_BEST_OF = 4


@dataclass(frozen=True)
class Setting:
    """The searches to simulate.

    Attributes:
        sites: how many there are.
        choices: tokens at each site besides ``conv``.
        trials: number of runs.
        host_repeats: runs of the host in the block.
        epochs: E, of a run that is not pruned.
        min_epochs: the first rung.
        reduction: η of successive halving.
        audit: the share of sampled runs that is never pruned.
        exploration: how often the sampler proposes at random.
        effect_sd: spread of true effects, in points.
        head_start_sd: spread of head starts, in points.
        noise_sd: spread over seeds, in points.
        persistence: correlation of the noise of one epoch and the next.
        prune: whether runs that fall behind end.
        variable: a token of which the runs have another spread; empty for none.
        times: by how much.
        at: the site where that is so, from 1; 0 for all of them.
        tail: degrees of freedom of the noise, Student's t of the same spread; 0 for normal noise.
        together: what the first two sites gain if both are relaxed, beyond the sum of their effects, in points.
    """

    sites: int = 3
    choices: tuple[str, ...] = ("lrlc-2", "lrlc-4", "lc")
    trials: int = 24
    host_repeats: int = 3
    epochs: int = 6
    min_epochs: int = 2
    reduction: int = 2
    audit: float = 0.1
    exploration: float = 0.2
    effect_sd: float = 0.6
    head_start_sd: float = 1.0
    noise_sd: float = 0.5
    persistence: float = 0.8
    prune: bool = True
    variable: str = ""
    times: float = 1.0
    at: int = 0
    tail: int = 0
    together: float = 0.0

    def varies(self, cell: Cell) -> bool:
        """Whether the runs that hold a choice at a site have another spread."""
        return cell[1] == self.variable and self.at in (0, int(cell[0].removeprefix("conv")))


@dataclass(frozen=True)
class SimulatedSearch:
    """A study that was made up, as its database would give it, and the truth behind it in points."""

    study: StudyRecord
    runs: tuple[RunRecord, ...]
    epochs: Mapping[int, list[EpochResult]]
    truth: Mapping[Cell, float]


@dataclass(frozen=True)
class Coverage:
    """How the screenings of simulated searches fared.

    Attributes:
        studies: how many there were.
        intervals: of effects, over all studies.
        rate: the share of intervals that hold the truth.
        variable_rate: the same among the choices that have another spread; NaN without one.
        width: median width of an interval, in points.
        trained: whole runs that the epochs of a study amount to, in the mean.
        excluding: the share of studies in which at least three intervals exclude zero.
        alone: the share of studies whose largest gain is told as one of the first or second site alone.
        bias: mean of estimate less truth, in points.
        error: root of the mean squared difference of estimate and truth, in points.
        disagreements: the share of studies in which a cell is said to disagree with itself in company, none of
            which is true.
        interacting: the share of studies in which a pair of sites is said to interact, none of which is true.
    """

    studies: int
    intervals: int
    rate: float
    variable_rate: float
    width: float
    trained: float
    excluding: float
    alone: float
    bias: float
    error: float
    disagreements: float
    interacting: float


def coverage(setting: Setting, studies: int, *, seed: int = 0, complete_only: bool = False) -> Coverage:
    """Simulate searches and count how often their intervals hold the truth.

    Args:
        setting: of all of them.
        studies: how many; 1,000 tell a rate of 95 % to about 0.7 %, since intervals of one study are dependent.
        seed: of the first study.
        complete_only: leave the runs that were pruned aside, to see what that does.
    """
    held: list[bool] = []
    variable: list[bool] = []
    widths: list[float] = []
    errors: list[float] = []
    screenings = []
    trained: list[float] = []
    for number in range(studies):
        made = simulate_search(setting, seed + number)
        screening = screen(made.study, made.runs, {} if complete_only else made.epochs)
        screenings.append(screening)
        trained.append(sum(map(len, made.epochs.values())) / setting.epochs)
        for cell, error, holds, width in _judged(screening, made.truth):
            errors.append(error)
            held.append(holds)
            widths.append(width)
            variable += [holds] * setting.varies(cell)
    return Coverage(
        studies=studies,
        intervals=len(held),
        rate=float(np.mean(held)),
        variable_rate=float(np.mean(variable)) if variable else np.nan,
        width=float(np.median(widths)),
        trained=float(np.mean(trained)),
        excluding=float(np.mean([sum(e.distinguishable for e in each.effects) >= 3 for each in screenings])),
        alone=float(np.mean([_told_alone(each) for each in screenings])),
        bias=float(np.mean(errors)),
        error=float(np.sqrt(np.mean(np.square(errors)))),
        disagreements=float(np.mean([any(c.disagrees for c in each.contexts) for each in screenings])),
        interacting=float(np.mean([any(i.flagged for i in each.interactions) for each in screenings])),
    )


def simulate_search(setting: Setting, seed: int) -> SimulatedSearch:
    """Make one study up."""
    rng = default_rng(seed)
    study = _study(setting)
    cells = cells_of(study)
    truth = dict(zip(cells, rng.normal(0, setting.effect_sd, len(cells)), strict=True))
    head_start = dict(zip(cells, rng.normal(0, setting.head_start_sd, len(cells)), strict=True))
    runs: list[RunRecord] = []
    curves: list[list[float]] = []
    for number in range(setting.trials):
        role, plan = _next(setting, cells, runs, curves, rng)
        means = [
            _HOST + sum(e * truth[cell] + (1 - e) * head_start[cell] for cell in plan.tokens.items())
            for e in np.arange(1, setting.epochs + 1) / setting.epochs
        ]
        if {"conv1", "conv2"} <= plan.tokens.keys():
            means = [mean + setting.together for mean in means]
        spread = setting.times if any(map(setting.varies, plan.tokens.items())) else 1.0
        curve = [mean + spread * noise for mean, noise in zip(means, _noise(setting, rng), strict=True)]
        judged = role == "sampled" and setting.prune
        ended = _ended(setting, curve, curves) if judged else 0
        audit = judged and audited(seed, number, setting.audit)
        facts = {AUDIT: ended} if audit else {}
        pruned = 0 if audit else ended
        curves.append(curve[: pruned or None])
        runs.append(_run(number, role, plan, curves[-1][-1], pruned, facts))
    epochs = {run.run_id: _epochs(curve) for run, curve in zip(runs, curves, strict=True)}
    return SimulatedSearch(study, tuple(runs), epochs, truth)


def _told_alone(screening: Screening) -> bool:
    gains = [effect for effect in screening.effects if effect.distinguishable and (effect.estimate or 0) > 0]
    largest = max(gains, key=lambda effect: effect.estimate or 0.0, default=None)
    return largest is not None and largest.site in ("conv1", "conv2") and screening.known_alone(largest)


def _judged(screening: Screening, truth: Mapping[Cell, float]) -> Iterator[tuple[Cell, float, bool, float]]:
    for effect in screening.effects:
        true = truth[effect.site, effect.choice]
        if effect.estimate is not None and effect.low is not None and effect.high is not None:
            cell, width = (effect.site, effect.choice), effect.high - effect.low
            yield cell, effect.estimate - true, effect.low <= true <= effect.high, width


def _next(
    setting: Setting, cells: list[Cell], runs: list[RunRecord], curves: list[list[float]], rng: Generator
) -> tuple[str, Plan]:
    single = len(runs) - setting.host_repeats
    if single < 0:
        return "host", Plan()
    if single < len(cells):
        return "single", Plan.of(dict([cells[single]]))
    taken = {run.plan for run in runs}
    plan = Plan()
    while plan in taken:
        plan = _proposed(setting, runs, curves, rng)
    return "sampled", plan


def _proposed(setting: Setting, runs: list[RunRecord], curves: list[list[float]], rng: Generator) -> Plan:
    """A cross of two of the best runs with some choices replaced, or a random plan."""
    tokens = (str(CONV), *setting.choices)
    ranked = sorted(range(len(runs)), key=lambda run: (len(curves[run]), curves[run][-1]), reverse=True)
    parents = [runs[ranked[index]].plan or Plan() for index in rng.integers(1 + len(runs) // _BEST_OF, size=2)]
    free = rng.random() < setting.exploration
    return Plan.of(
        {
            site: rng.choice(tokens) if free or rng.random() < _MUTATION else parents[rng.integers(2)].at(site)
            for site in _sites(setting)
        }
    )


def _noise(setting: Setting, rng: Generator) -> list[float]:
    noise = [rng.normal(0, setting.noise_sd)]
    fresh = setting.noise_sd * np.sqrt(1 - setting.persistence**2)
    while len(noise) < setting.epochs:
        noise.append(setting.persistence * noise[-1] + rng.normal(0, fresh))
    if not setting.tail:
        return noise
    # One factor for the whole curve: the multivariate t distribution, scaled to the same variance.
    factor = np.sqrt((setting.tail - 2) / rng.chisquare(setting.tail))
    return [float(factor * each) for each in noise]


def _ended(setting: Setting, curve: list[float], curves: list[list[float]]) -> int:
    """After how many epochs a run is pruned; 0 for never."""
    for epochs in range(1, setting.epochs):
        others = [other[epochs - 1] for other in curves if len(other) >= epochs]
        at_rung = is_rung(epochs, setting.min_epochs, setting.reduction)
        if at_rung and falls_behind(curve[epochs - 1], others, setting.reduction):
            return epochs
    return 0


def _sites(setting: Setting) -> list[str]:
    return [f"conv{number}" for number in range(1, setting.sites + 1)]


def _study(setting: Setting) -> StudyRecord:
    return StudyRecord(
        study_id=1,
        name="simulated",
        created=datetime(2000, 1, 1, tzinfo=UTC),
        trials=setting.trials,
        config=StudyConfig(name="simulated"),
        space=dict.fromkeys(_sites(setting), (str(CONV), *setting.choices)),
        left_out={},
        refused={},
        host_fingerprint="",
        data_fingerprint="",
        facts={},
        files="",
        sites=(),
    )


def _run(number: int, role: str, plan: Plan, last: float, pruned: int, facts: Mapping[str, int]) -> RunRecord:
    return RunRecord(
        run_id=number,
        number=number,
        trial_id=number,
        role=Role(role),
        repeat=0,
        seed=number,
        plan=plan,
        parameters=None,
        macs=None,
        state=RunState.PRUNED if pruned else RunState.COMPLETE,
        reason="",
        value=last / 100,
        attempt=1,
        worker_id="",
        epoch=pruned,
        started=None,
        finished=None,
        facts=facts,
        cause=EndCause.BEHIND if pruned else None,
    )


def _epochs(curve: list[float]) -> list[EpochResult]:
    return [EpochResult(epoch, accuracy / 100, 0.0) for epoch, accuracy in enumerate(curve)]

"""Claim cards: all that a claim rests on, on one page, for people (Markdown) and for programs (JSON)."""

from __future__ import annotations

import html
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ..choices import Plan
from ..config import Metric
from ..evidence.comparison import compare
from ..evidence.conclusion import ClaimResult, Conclusion
from ..store import RunRecord, StudyRecord, TestOpening

__all__ = ["ClaimCard", "claim_cards"]


@dataclass(frozen=True)
class ClaimCard:
    """One claim; its facts are plain JSON values."""

    label: str
    facts: Mapping[str, Any]

    @property
    def markdown(self) -> str:
        """The card as Markdown."""
        return "\n".join(_lines(self.label, self.facts)) + "\n"


def claim_cards(
    search: StudyRecord,
    confirmation: StudyRecord,
    runs: Sequence[RunRecord],
    conclusion: Conclusion,
    looks: Sequence[TestOpening],
    elsewhere: int = 0,
) -> tuple[ClaimCard, ...]:
    """Make the card of each claim of a confirmation, whatever its verdict.

    `looks` are those at the test split, and `elsewhere` is how often other studies have opened its images.
    """

    def cost(plan: Plan) -> dict[str, Any]:
        run = next((run for run in runs if run.plan == plan), None)
        parameters, macs = (run.parameters, run.macs) if run else (None, None)
        latency = confirmation.facts.get("latencies", {}).get(plan.to_json())
        return {"parameters": parameters, "macs": macs, "training_step": latency}

    def card(result: ClaimResult) -> ClaimCard:
        costs = {"claim": cost(result.plan), "host": cost(Plan())}
        facts = _facts(result, search, conclusion, looks, costs)
        return ClaimCard(result.label, facts | {"looks_of_other_studies": elsewhere})

    return tuple(map(card, conclusion.results))


def _facts(
    result: ClaimResult, search: StudyRecord, conclusion: Conclusion, looks: Sequence[TestOpening], costs: object
) -> dict[str, Any]:
    verdict, metric = result.verdict, search.metric
    seeds = [seed for seed in conclusion.host if seed in result.scores]
    return {
        "claim": result.label,
        "metric": metric.to_dict(),
        "verdict": verdict.outcome if verdict else "none yet",
        "text": verdict.text if verdict else result.reason,
        "sites": [_site(search, site, token) for site, token in result.plan.tokens.items()],
        "effect": asdict(verdict.comparison) if verdict else None,
        "adjusted_p": verdict.adjusted_p if verdict else None,
        "decided_at_look": verdict.look or None if verdict else None,
        "simultaneous_interval": verdict.simultaneous if verdict else None,
        "family": conclusion.rule.family,
        "smallest_effect": conclusion.rule.delta,
        "looks_at_the_confirm_split": conclusion.looks,
        "seeds": seeds,
        "scores": [metric.value(result.scores[seed]) for seed in seeds],
        "host_scores": [metric.value(conclusion.host[seed]) for seed in seeds],
        "controls": {
            label: {
                "plan": plan.tokens,
                "difference": asdict(result.against[label]) if label in result.against else None,
                "beaten": bool(verdict and label in verdict.beats),
                "not_compared": verdict.not_compared.get(label) if verdict else None,
            }
            for label, plan in result.controls.items()
        },
        "costs": costs,
        "challenge": (verdict.challenge or "not challenged: known at this recipe alone") if verdict else None,
        "test": _test(result, looks, metric),
        "looks_at_the_test_split": len(looks),
        "splits": search.facts.get("splits"),
        "split_digest": search.facts.get("split_digest"),
        "recipe_digest": search.facts.get("recipe_digest"),
        "host_digest": search.host_fingerprint,
        "data_digest": search.data_fingerprint,
        "versions": search.facts.get("versions"),
        "notes": list(conclusion.notes),
        # Seeds that were lost are no fewer: a confirmation that exists is never given less than it has.
        "command": _command(search.name, result, conclusion.planned, conclusion.rule.delta),
    }


def _site(search: StudyRecord, name: str, token: str) -> dict[str, Any]:
    geometry = next((site.geometry for site in search.sites if site.name == name), {})
    shapes = ("in_channels", "out_channels", "kernel_size", "stride", "groups", "input_size", "output_size")
    return {"site": name, "choice": token} | {key: geometry[key] for key in shapes if key in geometry}


def _test(result: ClaimResult, looks: Sequence[TestOpening], metric: Metric) -> dict[str, Any] | None:
    """The last look at the test split that measured this claim, against the host."""
    for look in reversed(looks):
        if result.label in look.values and "host" in look.values:
            arm, host = look.values[result.label], look.values["host"]
            shared = [seed for seed in arm if seed in host]
            gains = [[metric.gain(scores[seed]) for seed in shared] for scores in (arm, host)]
            return {
                "opened": look.opened.isoformat(),
                "difference": asdict(compare(gains[0], gains[1])),
                "scores": list(map(metric.value, gains[0])),
                "host_scores": list(map(metric.value, gains[1])),
            }
    return None


def _command(name: str, result: ClaimResult, seeds: int, delta: float) -> str:
    plan = ",".join(f"{site}={token}" for site, token in result.plan.tokens.items())
    words = ["lrlc-nas", "confirm", name, "--plan", plan, "--seeds", str(seeds), "--smallest-effect", f"{delta:g}"]
    return shlex.join(words)


def _lines(label: str, facts: Mapping[str, Any]) -> Iterator[str]:
    metric = _safe(Metric.from_dict(facts["metric"]))
    yield f"# {_text(label)}"
    yield ""
    yield f"**{facts['verdict']}.** {_text(facts['text'])}"
    yield ""
    for site in facts["sites"]:
        shapes = {key.replace("_", " "): value for key, value in site.items() if key not in ("site", "choice")}
        yield f"- site `{_code(site['site'])}` as `{_code(site['choice'])}` ({_text(_words(shapes))})"
    effect = facts["effect"]
    if effect:
        yield f"- difference from the host: {_difference(effect, metric)}, n = {effect['n']} seeds"
        yield f"- p adjusted for {facts['family']} hypotheses (Holm): {facts['adjusted_p']:.4g}{_at_look(facts)}"
        if effect["superiority"] is not None:
            yield f"- P(claim {'>' if metric.sign > 0 else '<'} host) for fresh runs: {effect['superiority']:.2f}"
        yield f"- {effect['pairing']}"
    yield from _cost_lines(facts["costs"])
    yield ""
    yield f"| control | claim {metric.minus} control{f', {metric.unit}' if metric.unit else ''} | beaten |"
    yield "| --- | --- | --- |"
    for name, control in facts["controls"].items():
        difference = _difference(control["difference"], metric) if control["difference"] else "—"
        yield f"| `{_code(name).replace('|', '/')}` | {difference} | {'yes' if control['beaten'] else 'no'} |"
    yield ""
    if facts["challenge"]:
        yield f"- {_text(facts['challenge'])}"
    test = facts["test"]
    if test:
        yield f"- on the test split, opened {test['opened']}: {_difference(test['difference'], metric)}"
    others = facts["looks_of_other_studies"]
    besides = f", and {others} times by other studies of the same images" if others else ""
    yield f"- the test split has been opened {facts['looks_at_the_test_split']} times{besides}"
    yield f"- looks at the confirm split: {facts['looks_at_the_confirm_split']}"
    yield f"- smallest effect that matters, set beforehand: {metric.amount(facts['smallest_effect'])}"
    yield f"- splits: {_text(_words(facts['splits']))}; split digest `{_code(_words(facts['split_digest']))}`"
    recipe, host = _words(facts["recipe_digest"]), _words(facts["host_digest"])
    yield f"- recipe digest `{_code(recipe)}`, host digest `{_code(host)}`"
    yield f"- versions: {_text(_words(facts['versions']))}"
    for note in facts["notes"]:
        yield f"- {_text(note)}"
    yield ""
    yield f"    {_line(facts['command'])}"


def _words(value: object) -> str:
    """A JSON value as people read it: ``train 10, search 2``, ``3 x 3``."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_words(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return " x ".join(map(_words, value))
    return "not recorded" if value is None else str(value)


def _line(value: object) -> str:
    """A value in one line, without control characters."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in str(value))


def _text(value: object) -> str:
    """A value as it stands: Markdown would let HTML, images and links through."""
    return html.escape(_line(value), quote=False).replace("](", "]&#40;")


def _safe(metric: Metric) -> Metric:
    """The metric, with a name and a unit that may stand in a table of Markdown."""
    return replace(metric, name=_text(metric.name).replace("|", "/"), unit=_text(metric.unit).replace("|", "/"))


def _code(value: object) -> str:
    """A value between backticks, which show everything but backticks."""
    return _line(value).replace("`", "'")


def _at_look(facts: Mapping[str, Any]) -> str:
    """Which look a p value is of, where it is not the last one."""
    look, looks = facts["decided_at_look"], facts["looks_at_the_confirm_split"]
    return f" (at look {look} of {looks}, which decided)" if look and look < looks else ""


def _difference(comparison: Mapping[str, Any], metric: Metric) -> str:
    if comparison["difference"] is None:
        return str(comparison["reason"])
    text = metric.difference(comparison["difference"])
    if comparison["low"] is None:
        return f"{text} ({comparison['reason']})"
    level = f"{100 * comparison['confidence']:.4g} %"
    return f"{text}, {level} interval {metric.signed(comparison['low'])} to {metric.signed(comparison['high'])}"


def _cost_lines(costs: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    claim, host = costs["claim"], costs["host"]
    for key, name in (("parameters", "parameters"), ("macs", "MACs per image")):
        if claim[key] is not None and host[key]:
            yield f"- {name}: {claim[key]:,}, {claim[key] / host[key]:.2f} times the host's {host[key]:,}"
    if claim["training_step"] and host["training_step"]:
        step, base = claim["training_step"], host["training_step"]
        yield (
            f"- a training step of {step['batch']} images: {1000 * step['seconds']:.1f} ms, "
            f"{step['seconds'] / base['seconds']:.2f} times the host's, measured on {_text(step['device'])}"
        )

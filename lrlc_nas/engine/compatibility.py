"""Whether a study may be resumed: not with other data, host or space; with other software it is told so."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..config import StudyConfig
from ..errors import InputError
from ..references import import_named, is_reference
from ..store import StudyRecord
from .preparation import Prepared

__all__ = ["changes", "require_unchanged", "sources", "versions"]

_PACKAGES = ("lrlc_nas", "torch", "torchvision", "optuna", "numpy")


def require_unchanged(study: StudyRecord, prepared: Prepared) -> None:
    """Refuse to resume a study whose data, host or space are not those that it recorded.

    Raises:
        InputError: naming what differs, as it was and as it is, and the ways out.
    """
    name, now = study.name, prepared
    if study.data_fingerprint != now.data_fingerprint:
        digests = _digests(study.data_fingerprint, now.data_fingerprint)
        raise _drift(
            name,
            f"the data differ from what it recorded ({digests}); {now.config.data_name} has changed",
            "bring the former images back",
        )
    if dict(study.space) != now.space.tokens:
        raise _drift(
            name,
            f"the space differs: {_difference(study.space, now.space.tokens)}",
            "use the version of lrlc_nas that it was begun with",
        )
    if study.host_fingerprint != now.host_fingerprint:
        sites = {site.name: json.loads(json.dumps(site.geometry)) for site in now.site_records}
        difference = _difference({site.name: site.geometry for site in study.sites}, sites)
        digests = _digests(study.host_fingerprint, now.host_fingerprint)
        raise _drift(
            name,
            f"the host {now.config.host_name} differs from what it recorded: {difference} ({digests})",
            "bring the former host back, or use the version of lrlc_nas or torchvision that it came from",
        )


def versions() -> dict[str, str]:
    """Package to version, of all that numbers depend on."""
    return {name: version(name) for name in _PACKAGES}


def sources(config: StudyConfig) -> dict[str, str]:
    """Each function that makes the task, the host or the images, to the SHA-256 of the module that has it.

    What that module imports is not covered.
    """
    names = (config.task.name, config.host.name, config.data.name)
    named = sorted({name for name in names if is_reference(name)})
    return {name: digest for name in named if (digest := _digest(name))}


def changes(facts: Mapping[str, Any], config: StudyConfig) -> str:
    """What is other than when a study was begun, and what follows from it; empty if nothing is.

    Code may change for good reasons, and what follows from its change is not known, so nothing is refused here.

    Args:
        facts: of the study.
        config: of the study.
    """
    was, now = facts.get("versions", {}), versions()
    told = [f"{name} {was[name]}, now {now[name]}" for name in now if was.get(name, now[name]) != now[name]]
    before, after = facts.get("sources", {}), sources(config)
    told += [f"another file of {name}" for name in after if before.get(name, after[name]) != after[name]]
    if not told:
        return ""
    return (
        f"note: this study was begun with other software: {'; '.join(told)}. "
        "Runs from here on need not equal those of an uninterrupted study, nor be comparable with earlier ones"
    )


def _drift(name: str, difference: str, repair: str) -> InputError:
    return InputError(
        f"study {name!r} cannot be resumed: {difference}. To resume it, {repair}; or begin a new study: "
        "'lrlc-nas start' with another --name. What this one has found stays: 'lrlc-nas show' and "
        "'lrlc-nas report' read it"
    )


def _digests(was: str, now: str) -> str:
    return f"sha256 {was[:12]}…, now {now[:12]}…"


def _difference(was: Mapping[str, object], now: Mapping[str, object]) -> str:
    for site in {**was, **now}:
        if was.get(site) != now.get(site):
            return f"at {site} it was {was.get(site, 'no site')} and is {now.get(site, 'no site')}"
    return "its modules or the shapes of its parameters"


def _digest(reference: str) -> str:
    """Of the file of a module; empty if it has none."""
    import_named(reference)
    file = getattr(sys.modules[reference.partition(":")[0]], "__file__", None)
    return hashlib.sha256(Path(file).read_bytes()).hexdigest() if file and Path(file).is_file() else ""

"""The software that a study was begun with: a resumed study is told what is another one now."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..config import StudyConfig
from ..references import import_function, is_reference


__all__ = ["changes", "sources", "versions"]

_PACKAGES = ("lrlc_nas", "torch", "torchvision", "optuna", "numpy")


def versions() -> dict[str, str]:
    """Package to version, of all that numbers depend on."""
    return {name: version(name) for name in _PACKAGES}


def sources(config: StudyConfig) -> dict[str, str]:
    """The function that is the host or gives the images, to the SHA-256 of the module that has it.

    What that module imports is not covered.
    """
    named = sorted({name for name in (config.host.name, config.data.name) if is_reference(name)})
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


def _digest(reference: str) -> str:
    """Of the file of a module; empty if it has none."""
    import_function(reference)
    file = getattr(sys.modules[reference.partition(":")[0]], "__file__", None)
    return hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else ""

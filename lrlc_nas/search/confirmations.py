"""Which study confirms another, and which of its stages a run belongs to."""

from __future__ import annotations

from ..store import RunRecord, Store, StudyRecord


__all__ = ["CONFIRMATION_SUFFIX", "confirmation_name", "confirmation_of", "stage_of"]

CONFIRMATION_SUFFIX = "/confirmation"

_STAGE = "stage-"


def confirmation_name(name: str) -> str:
    """The name of the study that holds the confirmation of another."""
    return name + CONFIRMATION_SUFFIX


def confirmation_of(store: Store, name: str) -> StudyRecord | None:
    """The confirmation of a study, or None before there is one."""
    return store.study(confirmation_name(name)) if confirmation_name(name) in store.names() else None


def stage_of(run: RunRecord) -> int:
    """The stage that a run of a confirmation belongs to, from 1."""
    return int(run.role.removeprefix(_STAGE))

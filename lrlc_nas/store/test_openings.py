"""The openings of the test split: each is recorded before an image is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .records import StudyRecord
from .retry import repeatable
from .studies import Store

__all__ = ["TestOpening", "opening_record", "test_openings", "times_opened"]


@dataclass(frozen=True)
class TestOpening:
    """One opening of the test split.

    Attributes:
        opening_id: our own number of it.
        opened: when, UTC.
        subject: what was to be tested: plain JSON values.
        results: what was found; None if it was never finished, though the images may have been read.
    """

    opening_id: int
    opened: datetime
    subject: Mapping[str, Any]
    results: Mapping[str, Any] | None

    @property
    def values(self) -> Mapping[str, Mapping[str, float]]:
        """Arm to {seed: value of the metric}; nothing where it was never finished."""
        results = self.results or {}
        found: Mapping[str, Mapping[str, float]] = results.get("values") or results.get("accuracies") or {}  # as once
        return found


@repeatable
def test_openings(store: Store, study: StudyRecord) -> list[TestOpening]:
    """All openings of the test split for a study, the first one first."""
    query = "SELECT * FROM nas_test_opening WHERE study_id = :study ORDER BY opening_id"
    return [opening_record(row) for row in store.select(query, study=study.study_id)]


@repeatable
def times_opened(store: Store, study: StudyRecord) -> int:
    """How often the test split was opened, over all studies of the database that are made of the same images.

    Images count as the same where the digest of the splits is; a task that tells none has its own openings alone.
    """
    digest = study.facts.get("split_digest")
    query = "SELECT s.study_id, s.facts FROM nas_test_opening o JOIN nas_study s ON s.study_id = o.study_id"
    opened = [(row.study_id, json.loads(row.facts).get("split_digest")) for row in store.select(query)]
    return sum(owner == study.study_id or (digest is not None and its == digest) for owner, its in opened)


def opening_record(row: Any) -> TestOpening:
    """The record of a row."""
    return TestOpening(
        opening_id=row.opening_id,
        opened=datetime.fromtimestamp(row.opened, UTC),
        subject=json.loads(row.subject),
        results=None if row.results is None else json.loads(row.results),
    )

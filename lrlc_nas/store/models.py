"""Our tables. They live beside Optuna's in the study database and refer to its trials by id.

Rows never leave this room: `records.py` holds what does.
"""

from __future__ import annotations

from sqlalchemy import Double, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = ["Base", "EpochRow", "ItemsRow", "KernelChoiceRow", "RunRow", "SiteRow", "StudyRow", "TestOpeningRow"]

# TEXT of MySQL ends at 64 KiB; the sites of a large network take more.
_LONG = Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")


class Base(DeclarativeBase):
    """The declarative base of our tables."""


class StudyRow(Base):
    """One study: all that `resume` needs to go on.

    A search has one confirmation at most, of the circumstance ``""``, and one challenge of each other circumstance.
    """

    __tablename__ = "nas_study"
    __table_args__ = (Index("nas_study_parent", "parent_study_id", "circumstance", unique=True),)

    study_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    created: Mapped[float] = mapped_column(Double)
    trials: Mapped[int]
    config: Mapped[str] = mapped_column(_LONG)
    space: Mapped[str] = mapped_column(_LONG)
    left_out: Mapped[str] = mapped_column(_LONG)
    refused: Mapped[str] = mapped_column(_LONG)
    host_fingerprint: Mapped[str] = mapped_column(String(64))
    data_fingerprint: Mapped[str] = mapped_column(String(64))
    facts: Mapped[str] = mapped_column(_LONG)
    files: Mapped[str] = mapped_column(Text)
    parent_study_id: Mapped[int | None] = mapped_column(Integer)
    circumstance: Mapped[str] = mapped_column(String(100), server_default="")


class SiteRow(Base):
    """One site of a study's host."""

    __tablename__ = "nas_site"

    study_id: Mapped[int] = mapped_column(ForeignKey("nas_study.study_id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(500))
    geometry: Mapped[str] = mapped_column(Text)


class RunRow(Base):
    """One run, and the lease by which a worker holds it.

    `attempt` is the fence: it grows with each claim, and every write of a worker names the attempt it holds.
    `epoch` is the next epoch to record, `crash_count` is how many workers have died since the last one was recorded.
    A plan is unique within its study and `repeat`, so that no two workers train the same one.
    """

    __tablename__ = "nas_run"
    __table_args__ = (
        UniqueConstraint("study_id", "number"),
        UniqueConstraint("study_id", "plan_digest", "repeat"),
        Index("nas_run_claim", "study_id", "done", "expires"),
    )

    run_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("nas_study.study_id"))
    number: Mapped[int]
    trial_id: Mapped[int | None]
    role: Mapped[str] = mapped_column(String(20))
    repeat: Mapped[int]
    seed: Mapped[int]
    plan: Mapped[str | None] = mapped_column(_LONG)
    plan_digest: Mapped[str | None] = mapped_column(String(64))
    parameters: Mapped[float | None] = mapped_column(Double)
    macs: Mapped[float | None] = mapped_column(Double)
    state: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(Text)
    value: Mapped[float | None] = mapped_column(Double)
    attempt: Mapped[int]
    worker_id: Mapped[str] = mapped_column(String(200))
    expires: Mapped[float] = mapped_column(Double)
    epoch: Mapped[int]
    done: Mapped[int]
    started: Mapped[float | None] = mapped_column(Double)
    finished: Mapped[float | None] = mapped_column(Double)
    facts: Mapped[str] = mapped_column(Text)
    crash_count: Mapped[int] = mapped_column(server_default="0")
    cause: Mapped[str | None] = mapped_column(String(20))
    stage: Mapped[int] = mapped_column(server_default="0")


class EpochRow(Base):
    """One epoch of a run, recorded once; `scores` are any named numbers, as JSON."""

    __tablename__ = "nas_epoch"

    run_id: Mapped[int] = mapped_column(ForeignKey("nas_run.run_id"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    attempt: Mapped[int]
    value: Mapped[float] = mapped_column(Double)
    seconds: Mapped[float] = mapped_column(Double)
    scores: Mapped[str] = mapped_column(_LONG)


class ItemsRow(Base):
    """The scores of the samples of a run after the last of its epochs that had some, see `lrlc_nas.runs.items`."""

    __tablename__ = "nas_items"

    run_id: Mapped[int] = mapped_column(ForeignKey("nas_run.run_id"), primary_key=True, autoincrement=False)
    epoch: Mapped[int]
    items: Mapped[str] = mapped_column(_LONG)


class KernelChoiceRow(Base):
    """Which computation a layer uses in one situation; the digest is that of the situation's text."""

    __tablename__ = "nas_kernel_choice"

    study_id: Mapped[int] = mapped_column(ForeignKey("nas_study.study_id"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    situation: Mapped[str] = mapped_column(Text)
    computation: Mapped[str] = mapped_column(String(20))


class TestOpeningRow(Base):
    """One opening of the test split; no results where it was never finished."""

    __tablename__ = "nas_test_opening"

    opening_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("nas_study.study_id"))
    opened: Mapped[float] = mapped_column(Double)
    subject: Mapped[str] = mapped_column(_LONG)
    results: Mapped[str | None] = mapped_column(_LONG)

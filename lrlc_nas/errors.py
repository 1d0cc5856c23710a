"""One family of exceptions.

`InputError` and its children mean that the caller asked for something that cannot be: the command line turns
them into one line and exit code 2. The others describe the world and end with exit code 1, save a database that
does not answer (69), a disk that takes no more (74) and a device that is lost (75), which time or a hand may mend.
"""

from typing import ClassVar

__all__ = [
    "CheckpointError",
    "DeviceError",
    "DiskError",
    "DivergedError",
    "FencedError",
    "InputError",
    "LrlcNasError",
    "OutageError",
    "StorageError",
    "StudyStoppedError",
    "TrainingStoppedError",
    "UnwritableError",
]


class LrlcNasError(Exception):
    """Root of all errors that this package raises on purpose."""

    exit_code: ClassVar[int] = 1
    """What a command ends with that raises it."""


class InputError(LrlcNasError, ValueError):
    """What the user gave is wrong; the message says what was required, what came and where."""

    exit_code = 2


class StorageError(InputError):
    """The storage URL does not lead to a usable study database."""


class OutageError(StorageError):
    """The database does not answer, and patience has ended; what was done before stands."""

    exit_code = 69


class DiskError(LrlcNasError):
    """The disk takes no more; the message says where, how much was needed and how much is free."""

    exit_code = 74


class DeviceError(LrlcNasError):
    """A device is lost to this process, which has to end; a new one may find it well. No run is to blame."""

    exit_code = 75


class UnwritableError(LrlcNasError, OSError):
    """A checkpoint cannot be written, and not for want of space: the disk fails, or may not be written to."""


class CheckpointError(LrlcNasError):
    """A checkpoint is missing, damaged, or belongs to another run."""


class FencedError(LrlcNasError):
    """Another worker has taken this run over: stop, and write nothing more."""


class StudyStoppedError(LrlcNasError):
    """The study cannot go on by itself, for example because every run fails with the same error."""


class DivergedError(LrlcNasError):
    """The loss or a metric of a run is not finite."""


class TrainingStoppedError(LrlcNasError):
    """Training was asked to stop between two steps; the last checkpoint stands."""

"""One family of exceptions.

`InputError` and its children mean that the caller asked for something that cannot be: the command line turns
them into one line and exit code 2. The others describe the world and end with exit code 1.
"""

__all__ = [
    "CheckpointError",
    "DivergedError",
    "FencedError",
    "InputError",
    "LrlcNasError",
    "StorageError",
    "StudyStoppedError",
    "TrainingStoppedError",
]


class LrlcNasError(Exception):
    """Root of all errors that this package raises on purpose."""


class InputError(LrlcNasError, ValueError):
    """What the user gave is wrong; the message says what was required, what came and where."""


class StorageError(InputError):
    """The storage URL does not lead to a usable study database."""


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

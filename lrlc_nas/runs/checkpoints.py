"""Checkpoints that are whole and verified, or not used.

A checkpoint is one file, and its name is its manifest: ``epoch-00007-IDENTITY-SHA256.pt``. It appears by one rename
after its bytes are on the disk, so no crash leaves a file without its hash or a hash without its file. The SHA-256 is
that of the bytes in memory, so it finds what the disk got wrong. It is checked before anything is unpickled, and then
only tensors and plain values are.
"""

from __future__ import annotations

import errno
import hashlib
import io
import logging
import os
import pickle  # noqa: TID251 - for the name of its error alone
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..errors import CheckpointError, DiskError, FencedError, InputError, UnwritableError
from ..fault_points import fault_point

__all__ = ["FULL", "Checkpoints", "make_private_folder"]

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Codes of an `OSError` that the disk takes no more, or the user's share of it, or one file."""

_LOG = logging.getLogger("lrlc_nas")
_NAME = re.compile(r"epoch-(?P<epoch>[0-9]{5,})-(?P<identity>[0-9a-f]{16})-(?P<sha256>[0-9a-f]{64})\.pt")
_UNFINISHED = ".tmp"
_ZIP = b"PK\x03\x04"


class Checkpoints:
    """The checkpoints of one run in one folder; only one process writes there at a time.

    Args:
        folder: made with mode 0700, as all above it, when the first checkpoint is written, unless it is there
            already. If it goes away later, another worker has moved it to take the run over: `save` does not make
            it again.
        identity: a digest of everything that must match before a checkpoint may be used, such as plan,
            recipe, seed and data.
        keep: how many of the newest checkpoints stay, at least 1; with 2, one damaged file costs one epoch.
        recorded: how many epochs of the run are known elsewhere, so that it is told where fewer are here.

    Raises:
        InputError: if ``keep`` is below 1.
    """

    def __init__(self, folder: Path | str, identity: str, keep: int = 2, recorded: int = 0) -> None:
        if keep < 1:
            raise InputError(f"checkpoints: keep must be at least 1, but is {keep}")
        self.folder = Path(folder)
        self.identity = identity
        self.keep = keep
        self.recorded = recorded
        self._made = self.folder.is_dir()
        self._tag = hashlib.sha256(identity.encode()).hexdigest()[:16]

    def save(self, epoch: int, state: dict[str, Any]) -> Path:
        """Write a checkpoint, then remove those that it makes superfluous.

        If it cannot be written, nothing of it stays behind, and the one before stands.

        Args:
            epoch: the epoch that has ended, from 0.
            state: tensors and plain values, in dicts, lists and tuples.

        Returns:
            The path of the new checkpoint.

        Raises:
            FencedError: if the folder has gone since the first checkpoint.
            DiskError: if the disk is full; it names the path, the bytes needed and those that are free.
            UnwritableError: if the disk fails otherwise; it says the same.
        """
        buffer = io.BytesIO()
        torch.save({**state, "epoch": epoch, "identity": self.identity}, buffer)
        content = buffer.getbuffer()
        path = self.folder / f"epoch-{epoch:05d}-{self._tag}-{hashlib.sha256(content).hexdigest()}.pt"
        try:
            self._make_folder()
            _write(path, content)
        except FileNotFoundError as error:
            raise FencedError(
                f"checkpoint folder {self.folder} has gone: another worker has taken this run over"
            ) from error
        except OSError as error:
            trouble = _disk_trouble(error, self.folder, len(content))
            if error.errno in FULL:
                raise DiskError(f"{path}: {trouble}") from error
            raise UnwritableError(error.errno, trouble, str(path)) from error
        # One of a later epoch was found unusable, or this epoch would not have been trained again.
        earlier = [entry for entry in self._entries() if entry.epoch < epoch]
        self._keep({path, *(entry.path for entry in earlier[: self.keep - 1])})
        return path

    def load_newest(self) -> dict[str, Any] | None:
        """Read the newest checkpoint that is whole and belongs to this run.

        Those that are damaged or another run's are passed over with a warning.

        Returns:
            The saved state with its ``epoch`` and ``identity``, on the CPU and shared with nobody; None if
            there is no usable checkpoint.
        """
        return next((state for _, state in self.usable()), None)

    def newest_path(self) -> Path | None:
        """The path of the checkpoint that `load_newest` reads."""
        return next((path for path, _ in self.usable()), None)

    def usable(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        """The checkpoints that are whole and belong to this run, with their paths, the newest first.

        Each is read when it is asked for. Who asks for more than there are is told to begin at epoch 0.
        """
        self._warn_of_others()
        entries = self._entries()
        for entry in entries:
            try:
                yield entry.path, _read(entry, self.identity)
            except CheckpointError as error:
                _LOG.warning("%s; using the one before", error)
        if entries:
            _LOG.warning("none of the %d checkpoints in %s is usable; restarting at epoch 0", len(entries), self.folder)

    def warn_of_lost(self, epochs: int) -> None:
        """Say which recorded epochs are trained again by a run that goes on after so many.

        A checkpoint is written before its epoch is recorded, so that a crash leaves no run behind its records.
        """
        if epochs < self.recorded:
            _LOG.warning(
                "checkpoints in %s hold %d of %d recorded epochs; %d recorded epochs are trained again",
                *(self.folder, epochs, self.recorded, self.recorded - epochs),
            )

    def clean(self) -> None:
        """Remove what a crash left half-written."""
        for path in self._listing():
            if path.name.endswith(_UNFINISHED):
                path.unlink(missing_ok=True)

    def keep_last(self) -> None:
        """Remove all but the newest usable checkpoint of this run; all of them stay if none is usable."""
        self.clean()
        path = self.newest_path()
        if path is not None:
            self._keep({path})

    def remove_all(self) -> None:
        """Remove all checkpoints of this run, what is half-written, and the folder if it is empty then."""
        self.clean()
        self._keep(set())
        fault_point("remove.emptied")
        with suppress(OSError):
            self.folder.rmdir()
            self._made = False

    def _make_folder(self) -> None:
        if not self._made:
            make_private_folder(self.folder)
            self._made = True

    def _warn_of_others(self) -> None:
        for path in self._listing():
            match = _NAME.fullmatch(path.name)
            if match is not None and match["identity"] != self._tag:
                words = "checkpoint %s belongs to another run: identity %s required, %s found; not used"
                _LOG.warning(words, path, self._tag, match["identity"])

    def _entries(self) -> list[_Entry]:
        """The checkpoints of this run, the newest first."""
        matches = ((path, _NAME.fullmatch(path.name)) for path in self._listing())
        entries = [
            _Entry(int(match["epoch"]), path, match["sha256"])
            for path, match in matches
            if match is not None and match["identity"] == self._tag
        ]
        return sorted(entries, key=lambda entry: entry.epoch, reverse=True)

    def _listing(self) -> Iterator[Path]:
        with suppress(FileNotFoundError, NotADirectoryError):  # of two workers, either may remove the folder
            return iter(sorted(self.folder.iterdir()))
        return iter(())

    def _keep(self, paths: set[Path]) -> None:
        for entry in self._entries():
            if entry.path not in paths:
                fault_point("remove.before")
                entry.path.unlink(missing_ok=True)
                fault_point("remove.after")


def make_private_folder(folder: Path) -> None:
    """Make a folder, and what is missing above it, with mode 0700; what is there stays as it is."""
    # mkdir(parents=True) would leave those above it to the mask of the shell.
    for missing in (*reversed(folder.parents), folder):
        missing.mkdir(mode=0o700, exist_ok=True)


@dataclass(frozen=True)
class _Entry:
    epoch: int
    path: Path
    sha256: str


def _write(path: Path, content: memoryview) -> None:
    """Make a file with this content appear under its name, all at once and for good."""
    # mkstemp gives mode 0600; the same directory, because a rename is atomic only within one file system.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name[:12], suffix=_UNFINISHED)
    try:
        with open(handle, "wb") as file:
            fault_point("checkpoint.opened")
            half = len(content) // 2
            file.write(content[:half])
            file.flush()
            fault_point("checkpoint.half")
            file.write(content[half:])
            file.flush()
            fault_point("checkpoint.written")
            os.fsync(file.fileno())
        os.replace(temporary, path)
        fault_point("checkpoint.renamed")
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)
    fault_point("checkpoint.named")


def _sync_directory(folder: Path) -> None:
    """Put the names in a directory on the disk: a rename alone may be lost with the power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(entry: _Entry, identity: str) -> dict[str, Any]:
    try:
        content = entry.path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"checkpoint {entry.path} cannot be read: {error}") from error
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != entry.sha256:
        raise CheckpointError(
            f"checkpoint {entry.path} is damaged: sha256 {entry.sha256} required, {sha256} found in "
            f"{len(content)} bytes"
        )
    # Older files of torch are bare pickles; with a reader less, there is less to trust.
    if not content.startswith(_ZIP):
        raise CheckpointError(f"checkpoint {entry.path} was not written by this package: no archive")
    try:
        # The bytes that were hashed, not the file again: it may have changed in between.
        state = torch.load(  # noqa: TID251 - of checked bytes, and weights only
            io.BytesIO(content), map_location="cpu", weights_only=True
        )
    except (pickle.UnpicklingError, RuntimeError, ValueError, EOFError) as error:
        raise CheckpointError(f"checkpoint {entry.path} was not written by this package: {error}") from error
    if not isinstance(state, dict) or state.get("epoch") != entry.epoch or state.get("identity") != identity:
        raise CheckpointError(f"checkpoint {entry.path} does not hold epoch {entry.epoch} of run {identity!r}")
    return state


def _disk_trouble(error: OSError, folder: Path, needed: int) -> str:
    try:
        free = f"{shutil.disk_usage(folder).free} are free"
    except OSError:
        free = "how many are free is not known"
    return f"{error.strerror}: the checkpoint needs {needed} bytes, {free}"

"""Local worker processes: started, replaced when they die, stopped politely.

The supervisor owns nothing: runs and claims are in the database, and killing it loses no more than the epochs
in flight. Its workers end when it does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch

from ..errors import InputError, LrlcNasError, StudyStoppedError
from ..store import Store, StudyRecord
from ..study import study_folder


__all__ = ["LocalWorkers", "default_workers", "require_device", "worker_devices"]

STUDY_STOPPED = 3
"""Exit code of a worker that finds that the study cannot go on by itself."""

_POLL_SECONDS = 0.25
_GRACE_SECONDS = 20.0
_MOST_DEATHS = 5


def require_device(device: str) -> None:
    """Raise `InputError` unless this machine has the device."""
    try:
        kind = torch.device(device)
    except RuntimeError:
        raise InputError(f"--device must be cpu, cuda or cuda:N; got {device!r}") from None
    if kind.type == "cuda" and (kind.index or 0) >= torch.cuda.device_count():
        raise InputError(f"--device {device}: this machine has {torch.cuda.device_count()} CUDA devices")
    if kind.type not in ("cpu", "cuda"):
        raise InputError(f"--device must be cpu, cuda or cuda:N; got {device!r}")


def default_workers(device: str | None) -> int:
    """One for each GPU where there are GPUs, else one."""
    if device in (None, "cuda") and torch.cuda.is_available():
        return torch.cuda.device_count()
    return 1


def worker_devices(device: str | None, workers: int) -> list[str]:
    """The device of each worker; GPUs are dealt out in turn."""
    if device in (None, "cuda") and torch.cuda.is_available():
        return [f"cuda:{index % torch.cuda.device_count()}" for index in range(workers)]
    return [device or "cpu"] * workers


@dataclass
class LocalWorkers:
    """Worker processes of one study on this machine.

    Attributes:
        store: the study database; its URL goes to the workers by environment, never by command line.
        study: which study.
        devices: of each worker.
        hurried: whether a second Ctrl-C came while the workers were stopping; they were killed then.
    """

    store: Store
    study: StudyRecord
    devices: list[str]
    hurried: bool = field(default=False, init=False)
    _processes: list[subprocess.Popen[bytes] | None] = field(default_factory=list, init=False)
    _deaths: int = field(default=0, init=False)

    def run(self, tick: Callable[[], None]) -> None:
        """Keep the workers alive until all have ended by themselves, calling `tick` a few times a second.

        On any exception, Ctrl-C included, the workers are asked to stop and given time to do so.

        Raises:
            StudyStoppedError: if a worker finds that the study cannot go on.
            LrlcNasError: if workers keep dying, or refuse their input.
        """
        self._processes = [self._start(index) for index in range(len(self.devices))]
        try:
            while any(self._processes):
                for index, process in enumerate(self._processes):
                    if process is not None and process.poll() is not None:
                        self._processes[index] = self._after(index, process.returncode)
                tick()
                time.sleep(_POLL_SECONDS)
        finally:
            self._stop()

    def log_path(self, index: int) -> Path:
        """The log file of a worker."""
        return study_folder(self.store, self.study) / f"worker-{index}.log"

    def _start(self, index: int) -> subprocess.Popen[bytes]:
        path = self.log_path(index)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        threads = max(1, (os.cpu_count() or 1) // len(self.devices))
        command = [sys.executable, "-m", "lrlc_nas", "worker", "--device", self.devices[index]]
        command += ["--threads", str(threads), "--parent", str(os.getpid()), "--", self.study.name]
        environment = os.environ | {
            "LRLC_NAS_STORAGE": self.store.url.render_as_string(hide_password=False),
            "OMP_NUM_THREADS": str(threads),
            # cuBLAS needs it before it starts, or a deterministic recipe is refused.
            "CUBLAS_WORKSPACE_CONFIG": os.environ.get("CUBLAS_WORKSPACE_CONFIG", ":4096:8"),
        }
        with _private(path) as log:
            # A session of its own: Ctrl-C reaches the supervisor alone, which then asks its workers to stop.
            return subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _after(self, index: int, code: int) -> subprocess.Popen[bytes] | None:
        if code == 0:
            return None
        if code == STUDY_STOPPED:
            raise StudyStoppedError(self._last_line(index))
        if code == 2:
            raise LrlcNasError(f"worker {index}: {self._last_line(index)}")
        self._deaths += 1
        if self._deaths > _MOST_DEATHS:
            raise LrlcNasError(
                f"workers died {self._deaths} times, the last with exit code {code}: {self._last_line(index)} "
                f"(see {self.log_path(index)})"
            )
        return self._start(index)

    def _last_line(self, index: int) -> str:
        lines = self.log_path(index).read_text(errors="replace").strip().splitlines()
        return lines[-1].removeprefix("Error: ") if lines else "no message"

    def _stop(self) -> None:
        alive = [process for process in self._processes if process is not None and process.poll() is None]
        for process in alive:
            process.terminate()
        deadline = time.monotonic() + _GRACE_SECONDS
        try:
            for process in alive:
                process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            pass
        except KeyboardInterrupt:
            self.hurried = True
        for process in alive:
            process.kill()
            process.wait()


@contextmanager
def _private(path: Path) -> Iterator[int]:
    handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)

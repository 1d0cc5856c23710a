"""Local worker processes: started, replaced when they die, stopped politely.

The supervisor owns nothing: runs and claims are in the database, and killing it loses no more than the epochs
in flight. Its workers end when it does.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from ...errors import DeviceError, DiskError, InputError, LrlcNasError, OutageError, StudyStoppedError
from ...fault_points import fault_point
from ...runs import make_private_folder
from ...search.optuna_view import OptunaView
from ...signals import is_hurried, require_uninterrupted
from ...store import Store, StudyRecord, progress, release_dead
from ..folders import study_folder
from ..lifecycle import OpenStudy
from .device_failures import DeviceFailures
from .devices import default_workers, worker_devices, worker_threads

__all__ = ["STUDY_STOPPED", "LocalWorkers"]

STUDY_STOPPED = 3
"""Exit code of a worker that finds that the study cannot go on by itself."""

_LOG = logging.getLogger("lrlc_nas")
_POLL_SECONDS = 0.25
_GRACE_SECONDS = 20.0
_DYING_SECONDS = 5.0
_MOST_CRASHES = 5
_HOPELESS: Mapping[int, type[LrlcNasError]] = MappingProxyType(
    {STUDY_STOPPED: StudyStoppedError, OutageError.exit_code: OutageError, DiskError.exit_code: DiskError}
)
"""Exit codes of workers that another worker would end with as well."""


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
    _workers: list[_Process] = field(default_factory=list, init=False)
    _killed: list[_Process] = field(default_factory=list, init=False)
    _crash_count: int = field(default=0, init=False)
    _progress: tuple[int, ...] = field(default=(), init=False)
    _failures: DeviceFailures = field(default_factory=DeviceFailures, init=False)
    _last_failure: str = field(default="", init=False)

    @classmethod
    def of(cls, study: OpenStudy, workers: int | None, device: str | None) -> LocalWorkers:
        """So many processes; by default one for each GPU, or one."""
        number = default_workers(device) if workers is None else workers
        return cls(study.store, study.record, worker_devices(device, number))

    @property
    def workers(self) -> int:
        """How many processes there are to be."""
        return len(self.devices)

    def run(self, tick: Callable[[], None]) -> None:
        """Keep the workers alive until every run has ended, calling `tick` a few times a second.

        On any exception, Ctrl-C included, the workers are asked to stop and given time to do so.

        Raises:
            StudyStoppedError: if a worker finds that the study cannot go on.
            OutageError: if the database does not answer for longer than a worker is patient.
            DiskError: if a worker finds the disk full.
            DeviceError: if each device was lost to two workers in a row.
            LrlcNasError: if workers keep dying without having claimed a run, or refuse their input.
        """
        try:
            for index in range(len(self.devices)):
                self._workers.append(self._start(index))
            while self._workers:
                for worker in self._workers.copy():
                    code = worker.popen.poll()
                    if code is not None:
                        self._workers.remove(worker)
                        self._workers += self._successors(worker, code)
                tick()
                require_uninterrupted()
                time.sleep(_POLL_SECONDS)
            self._require_devices()
        finally:
            self._stop()

    def done(self) -> bool:
        """Whether every run has ended."""
        counts = self.store.retrying().counts(self.study)  # its workers outlast an outage, and so does it
        return not counts.get("waiting", 0) + counts.get("running", 0)

    def _start(self, index: int) -> _Process:
        threads = worker_threads(len(self.devices))
        # -P and PYTHONPATH: a worker imports what its supervisor would, whatever lies in the current folder.
        command = [sys.executable, "-P", "-m", "lrlc_nas", "worker", "--device", self.devices[index]]
        command += ["--threads", str(threads), "--parent", str(os.getpid()), "--", self.study.name]
        environment = os.environ | {
            "LRLC_NAS_STORAGE": self.store.url.render_as_string(hide_password=False),
            "OMP_NUM_THREADS": str(threads),
            "PYTHONPATH": os.pathsep.join(sys.path),
            # cuBLAS needs it before it starts, or a deterministic recipe is refused.
            "CUBLAS_WORKSPACE_CONFIG": os.environ.get("CUBLAS_WORKSPACE_CONFIG", ":4096:8"),
        }
        path = study_folder(self.store, self.study) / f"worker-{index}.log"
        fault_point("supervisor.before")
        process = _Process.start(index, command, environment, path)
        fault_point("supervisor.after")
        return process

    def _successors(self, worker: _Process, code: int) -> list[_Process]:
        """The process that replaces one that has ended, or none if there is nothing left to do."""
        device = self.devices[worker.index]
        # A device that has gone altogether is refused by the next worker that is to use it.
        if code == DeviceError.exit_code or (code == InputError.exit_code and self._failures.is_suspect(device)):
            return self._after_failure(worker, device)
        self._failures.clear(device, worker.started)
        if code == 0 and self.done():
            return []
        if code in _HOPELESS:
            raise _HOPELESS[code](worker.last_line())
        if code == InputError.exit_code:
            raise LrlcNasError(f"worker {worker.index}: {worker.last_line()}")
        if self._failures.is_useless(device):
            return []
        if code == 0:
            self._make_trials()
        self._count_crash()
        if self._crash_count > _MOST_CRASHES:
            how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
            raise LrlcNasError(
                f"workers died {self._crash_count} times and nothing came of it; the last: {how}: "
                f"{worker.last_line()} (see {worker.log})"
            )
        return [self._start(worker.index)]

    def _after_failure(self, worker: _Process, device: str) -> list[_Process]:
        known = self._failures.is_useless(device)
        self._failures.add(device, worker.started)
        if not self._failures.is_useless(device):
            return [self._start(worker.index)]
        self._last_failure = worker.last_line()
        if not known:
            _LOG.warning("device %s: lost twice in a row, and used no more: %s", device, self._last_failure)
        return []

    def _require_devices(self) -> None:
        """Tell why no worker is left, if it is for want of devices."""
        useless = self._failures.useless()
        if useless and not self.done():
            raise DeviceError(f"no device is left: {', '.join(useless)} lost twice in a row; {self._last_failure}")

    def _make_trials(self) -> None:
        """Make the trials that runs want before a worker claims them.

        Whoever raised the total may have been killed before it could; workers see nothing left to do then.
        """
        store = self.store.retrying()
        runs = store.runs(self.study)
        if any(run.trial_id is None for run in runs):
            with closing(OptunaView(store, self.study.name, self.study.space)) as view:
                view.add_trials(store, self.study, runs)

    def _count_crash(self) -> None:
        """Count crashes in a row that no run answers for: a run ends by itself after too many of its own."""
        store = self.store.retrying()
        release_dead(store, self.study)  # at once, so that the next worker goes on where this one died
        now = progress(store, self.study)
        self._crash_count = self._crash_count + 1 if now == self._progress else 1
        self._progress = now

    def _stop(self) -> None:
        # Killing comes twice, because one more Ctrl-C may cut the first short.
        for step in (self._ask, self._kill, self._kill, self._bury, self._release_killed):
            try:
                step()
            except KeyboardInterrupt:  # a second one, which is to end this sooner and not to leave workers behind
                self.hurried = True
        self.hurried = self.hurried or is_hurried()

    def _ask(self) -> None:
        deadline = time.monotonic() + _GRACE_SECONDS
        for worker in self._workers:
            worker.popen.terminate()
        for worker in self._workers:
            with suppress(subprocess.TimeoutExpired):
                worker.popen.wait(max(0.0, deadline - time.monotonic()))

    def _kill(self) -> None:
        for worker in self._workers:
            if worker.popen.poll() is None:
                self._killed.append(worker)
                worker.popen.kill()

    def _bury(self) -> None:
        for worker in self._killed:
            # One that waits for a disk or a driver dies when that answers.
            with suppress(subprocess.TimeoutExpired):
                worker.popen.wait(_DYING_SECONDS)

    def _release_killed(self) -> None:
        if self._killed and not self.hurried:
            with suppress(LrlcNasError):  # their claims run out by themselves
                release_dead(self.store, self.study, counted=False)


@dataclass(frozen=True)
class _Process:
    """A worker process, the file its words go to, where in that file they begin, and when the process did."""

    index: int
    popen: subprocess.Popen[bytes]
    log: Path
    log_start: int
    started: float

    @classmethod
    def start(cls, index: int, command: list[str], environment: dict[str, str], log: Path) -> _Process:
        make_private_folder(log.parent)
        handle = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        log_start, started = os.fstat(handle).st_size, time.monotonic()
        try:
            # A session of its own: Ctrl-C reaches the supervisor alone, which then asks its workers to stop.
            popen = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=handle, stderr=handle, start_new_session=True
            )
            return cls(index, popen, log, log_start, started)
        finally:
            os.close(handle)

    def last_line(self) -> str:
        text = self.log.read_bytes()[self.log_start :].decode(errors="replace").strip()
        return text.splitlines()[-1].removeprefix("Error: ") if text else "no message"

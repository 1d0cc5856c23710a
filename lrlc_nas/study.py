"""A durable study in Python: what the commands do, for a task of the user's own or a study file."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .choices import Plan
from .config import StudyConfig
from .engine import OpenStudy, Worker, catch_up, export_best, resume_study, start_study
from .engine.challenge import plan_challenges, start_challenge
from .engine.confirm import confirmation_to_run, measure_sealed
from .engine.launchers import default_workers, make_launcher, worker_devices
from .errors import InputError
from .references import is_importing
from .report import Reading, read_study, write_report
from .store import Store, require_bearable
from .tasks import Task

if TYPE_CHECKING:
    import torch

__all__ = ["Study"]


class Study:
    """One study in a database, by its name.

    Args:
        name: of the study.
        task: a `Task` that is a global of a module or of the script, or its name, ``module:name``; None for a study
            that is in the database already.
        storage: URL of the database.
        **sections: of a study file, for example ``space={"choices": ["lrlc-4", "lc"]}``, ``search``, ``seed``.

    Raises:
        InputError: if the task is no global of a module, or a section is wrong.
    """

    def __init__(
        self, name: str, task: Task | str | None = None, *, storage: str = "sqlite:///lrlc-nas.db", **sections: Any
    ) -> None:
        self.name = name
        self.store = Store(storage)
        self._task = _reference(task) if isinstance(task, Task) else task
        self._sections = sections

    def start(self, trials: int | None = None, *, workers: int | None = None, device: str | None = None) -> Reading:
        """Start the study, and train until its budget is spent; Ctrl-C stops it, and `resume` goes on.

        Args:
            trials: how many runs.
            workers: how many processes; None for as many as suit the machine, or for one, in this process, where the
                task lives in a notebook.
            device: of the workers: ``cpu``, ``cuda`` or ``cuda:N``.

        Raises:
            InputError: if the name is taken, or anything is wrong with the task or the sections; nothing is written.
            LrlcNasError: if training cannot go on; `resume` continues it.
        """
        budget = {} if trials is None else {"budget": {**self._sections.get("budget", {}), "trials": trials}}
        task = {} if self._task is None else {"task": {**self._sections.get("task", {}), "name": self._task}}
        config = StudyConfig.of({"name": self.name} | self._sections | budget | task)
        self._require_bearable(config, workers, device)
        return self._trained(start_study(self.store, config), workers, device)

    def resume(self, trials: int | None = None, *, workers: int | None = None, device: str | None = None) -> Reading:
        """Go on with the study; `trials` raises the total number of its runs.

        Raises:
            InputError: if there is no such study, or its task, host, data or space are not what it recorded.
        """
        self._require_bearable(self.store.study(self.name).config, workers, device)
        return self._trained(resume_study(self.store, self.name, trials), workers, device)

    def confirm(
        self,
        claims: Mapping[str, Mapping[str, str]] | None = None,
        *,
        seeds: int | None = None,
        smallest_effect: float | None = None,
        workers: int | None = None,
        device: str | None = None,
    ) -> Reading:
        """Test claims of the study on fresh seeds, beside the controls that may explain them.

        Args:
            claims: label to {site: token}; those worth testing for None.
            seeds: for each arm; 5 by default.
            smallest_effect: what matters to you, in the unit of the metric; 0.3 points of accuracy by default, and
                required for another metric.
            workers: as in `start`.
            device: as in `start`.

        Raises:
            InputError: if there is nothing to confirm, or what was settled is to be changed.
        """
        self._require_bearable(self.store.study(self.name).config, workers, device)
        plans = {label: Plan.of(plan) for label, plan in (claims or {}).items()}
        measured: torch.device | str = worker_devices(device, 1)[0]
        study = confirmation_to_run(
            self.store, self.name, plans, seeds=seeds, smallest_effect=smallest_effect, device=measured
        )
        return self._trained(study, workers, device)

    def challenge(
        self,
        circumstances: Sequence[str] = (),
        *,
        seeds: int | None = None,
        workers: int | None = None,
        device: str | None = None,
    ) -> Reading:
        """Ask whether confirmed gains last, by training them again under other circumstances.

        Args:
            circumstances: their names; all that the task has if empty.
            seeds: for each arm; by default from 3 to 10, as many as it takes.
            workers: as in `start`.
            device: as in `start`.

        Raises:
            InputError: if nothing is confirmed, or there is no such circumstance.
        """
        self._require_bearable(self.store.study(self.name).config, workers, device)
        for planned in plan_challenges(self.store, self.name, circumstances, seeds):
            self._trained(start_challenge(self.store, planned), workers, device)
        return self.reading

    def test(self, *, device: str | None = None, again: bool = False) -> Mapping[str, Mapping[str, float]]:
        """Open the sealed test split for the confirmed claims, on record: label of an arm to {seed: value}.

        Raises:
            InputError: if no claim is confirmed, or the split was opened before and `again` is off.
        """
        opening = measure_sealed(self.store, self.name, device=worker_devices(device, 1)[0], again=again)
        return opening.values

    @property
    def reading(self) -> Reading:
        """All numbers of the study as it stands; see `lrlc_nas.read_study`."""
        return read_study(self.store, self.name)

    def report(self, path: Path | str) -> None:
        """Write the report page; what its trained networks show is in it, since the task is yours."""
        write_report(self.store, self.name, Path(path), trusted=True)

    def export(self, folder: Path | str) -> None:
        """Write the best run's plan, weights and a file that rebuilds its network to a new folder."""
        export_best(self.store, self.name, Path(folder))

    def _require_bearable(self, config: StudyConfig, workers: int | None, device: str | None) -> None:
        if is_importing():
            raise InputError(
                f"study {self.name!r} is started while a worker imports its task: put what starts it under "
                "'if __name__ == \"__main__\":'"
            )
        if _in_notebook(config) and (workers or 1) > 1:
            raise InputError(
                f"{workers} workers cannot import a task of a notebook; put it into a module, or train with one worker"
            )
        number = default_workers(device) if workers is None else workers
        require_bearable(self.store, 1 if _in_notebook(config) else number)

    def _trained(self, study: OpenStudy, workers: int | None, device: str | None) -> Reading:
        if _in_notebook(study.prepared.config):
            for at in worker_devices(device, 1):
                Worker(study.store, study.record, study.prepared, device=at).work()
        else:
            launcher = make_launcher("local", study, workers, device)
            if launcher.workers and not launcher.done():
                launcher.run(lambda: None)
        catch_up(study)
        return self.reading


def _in_notebook(config: StudyConfig) -> bool:
    return config.task.name.startswith("__main__:")


def _reference(task: Task) -> str:
    """The name that workers import a task by.

    Raises:
        InputError: if it is no global of a module.
    """
    main = sys.modules["__main__"]
    for module_name, module in [*sys.modules.items()]:
        for name, value in [*getattr(module, "__dict__", {}).items()]:
            if value is task:
                return f"{_importable() if module is main else module_name}:{name}"
    raise InputError("the task must be a global of a module, so that workers can import it: task = lrlc_nas.Task(...)")


def _importable() -> str:
    """The name of the script in other processes: that of its file; a notebook has none."""
    script = sys.modules["__main__"]
    if script.__spec__ is not None:  # of python -m
        return script.__spec__.name
    file = Path(getattr(script, "__file__", None) or "").absolute()
    folders = {Path(folder).absolute() for folder in sys.path}
    if file.suffix != ".py" or not file.stem.isidentifier() or file.parent not in folders:
        return "__main__"
    sys.modules.setdefault(file.stem, script)  # this process has run it already
    return file.stem

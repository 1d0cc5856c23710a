"""Tasks that go wrong, each in one way; `test_misbehaviour` names them."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from lrlc_nas import Task

EPOCHS = 3


class Host(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 3), nn.Flatten(), nn.Linear(8, 1))


def train(misbehave: Callable, before: bool = False) -> Callable:
    def trained(network, run) -> None:
        run.load()
        for epoch in range(run.next_epoch, EPOCHS):
            if before:
                misbehave(network, run, epoch)
            run.report(epoch, 0.5 + epoch / 10)
            run.save({"epoch": epoch})
            if not before:
                misbehave(network, run, epoch)

    return trained


def fails(network, run, epoch) -> None:
    raise ValueError("the labels are 0")


def reports_nan(network, run, epoch) -> None:
    run.report(epoch, float("nan"))


def reports_twice(network, run, epoch) -> None:
    run.report(epoch, 0.5)


def reports_backwards(network, run, epoch) -> None:
    if epoch:
        run.report(0, 0.5)


def saves_a_module(network, run, epoch) -> None:
    run.report(epoch, 0.5)
    run.save({"model": network})


def changes_the_network(network, run, epoch) -> None:
    network.double().eval().requires_grad_(False)


def kills_its_process_once(network, run, epoch) -> None:
    mark = Path("killed")
    if run.number == 1 and epoch == 1 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def reads_a_file(network, run, epoch) -> None:
    Path("settings.txt").read_text()


def sleeps(network, run, epoch) -> None:
    time.sleep(1)


def never_reports(network, run) -> None:
    return


def swallows_everything(network, run) -> None:
    for epoch in range(EPOCHS):
        try:
            run.report(epoch, 0.5)
            run.save()
        except Exception:
            continue


FAILURES = {
    "fails": train(fails),
    "reports_nan": train(reports_nan, before=True),
    "reports_twice": train(reports_twice),
    "reports_backwards": train(reports_backwards),
    "saves_a_module": train(saves_a_module, before=True),
    "changes_the_network": train(changes_the_network),
    "kills_its_process_once": train(kills_its_process_once),
    "reads_a_file": train(reads_a_file),
    "sleeps": train(sleeps),
    "never_reports": never_reports,
    "swallows_everything": swallows_everything,
}
for _name, _train in FAILURES.items():
    globals()[f"task_{_name}"] = Task(host=Host, sample=torch.zeros(1, 1, 6, 6), train=_train)


def score_text(network, split):
    return "good"


def worsens(network, run) -> None:
    """Each run is worse than the one before, but only in its last epoch."""
    for epoch in range(4):
        run.report(epoch, 0.5 if epoch < 3 else 0.5 - run.number / 100)


task_worsens = Task(host=Host, sample=torch.zeros(1, 1, 6, 6), train=worsens)
task_scores_text = Task(host=Host, sample=torch.zeros(1, 1, 6, 6), train=train(lambda *_: None), score=score_text)
task_makes_no_module = Task(host=lambda: "a network", sample=torch.zeros(1, 1, 6, 6), train=never_reports)
task_host_fails = Task(host=lambda: 1 / 0, sample=torch.zeros(1, 1, 6, 6), train=never_reports)
task_wants_other_inputs = Task(host=Host, sample=torch.zeros(1, 3, 6, 6), train=never_reports)
number = 7


def layer(conv, size):
    return nn.Conv2d(conv.in_channels, conv.out_channels, conv.kernel_size)


if os.environ.get("ONLY_AT_THE_START") and "worker" in sys.argv:
    raise RuntimeError("this module wants a display")

"""The live page: progress, epochs, the best so far and the time left, in any terminal."""

from collections.abc import Callable

import pytest
from rich.console import Console

from lrlc_nas.choices import Plan
from lrlc_nas.cli.terminal import Watcher
from lrlc_nas.cli.terminal.live import _Pace
from lrlc_nas.engine import OpenStudy
from lrlc_nas.runs import EpochResult
from lrlc_nas.store import RunRecord

Make = Callable[..., RunRecord]
Epochs = Callable[..., list[EpochResult]]
Screen = Callable[..., Console]

HOSTILE_PLAN = Plan.of({"[red]a[/red]": "lrlc-2", "b\x1b[31m": "lc"})


def shown(screen: Console, opened: OpenStudy, runs: list[RunRecord], *histories: list[EpochResult]) -> list[str]:
    watcher = Watcher(screen, opened.store, opened.record)
    of_runs = {run.run_id: history for run, history in zip(runs, histories, strict=False)}
    screen.print(watcher.page(runs, of_runs))
    return [line.rstrip() for line in screen.export_text().splitlines()]


def test_before_anything_has_happened(screen_of: Screen, opened: OpenStudy, run: Make) -> None:
    lines = shown(screen_of(), opened, [run(number, "waiting") for number in range(6)])
    assert lines[0].startswith("runs ")
    assert lines[0].endswith("0/6 time left: …")
    assert lines[1] == "best so far: none yet"
    assert lines[2].split() == ["run", "state", "epochs", "accuracy", "images/s", "plan"]
    assert len(lines) == 3


def test_trials_epochs_and_the_best_so_far(screen_of: Screen, opened: OpenStudy, run: Make, history: Epochs) -> None:
    plan = Plan.of({"conv1": "lrlc-2"})
    ended = run(0, "complete", Plan(), value=0.625)
    running = run(1, "running", plan)
    runs = [ended, running, run(2, "waiting")]
    lines = shown(screen_of(), opened, runs, history(ended, 0.1, 0.2, 0.3, 0.625), history(running, 0.25, 0.5))
    assert " 1/3 " in lines[0]
    assert lines[1] == "best so far: 62.50 %, host"
    assert lines[3].split() == ["0", "complete", "4/4", "62.50", "%", "12,346", "host"]
    assert lines[4].split() == ["1", "running", "2/4", "50.00", "%", "12,346", "conv1=lrlc-2"]
    assert len(lines) == 5  # what waits is not listed


def test_a_pruned_run_is_never_the_best(screen_of: Screen, opened: OpenStudy, run: Make) -> None:
    runs = [run(0, "complete", Plan(), value=0.1), run(1, "pruned", Plan.of({"a": "lc"}), value=0.9)]
    assert "best so far: 10.00 %, host" in shown(screen_of(), opened, runs)


def test_the_last_that_ended_come_first_then_all_that_run(screen_of: Screen, opened: OpenStudy, run: Make) -> None:
    runs = [run(number, "complete", Plan()) for number in (0, 1, 2, 3, 4, 5, 6)]
    runs[0] = run(0, "complete", Plan(), finished=runs[6].finished)  # it took long
    runs += [run(number, "running") for number in (7, 8)]
    lines = shown(screen_of(), opened, runs)
    assert [int(line.split()[0]) for line in lines[3:]] == [3, 4, 5, 0, 6, 7, 8]


def test_names_are_text_and_never_markup_or_control(
    screen_of: Screen, opened: OpenStudy, run: Make, history: Epochs
) -> None:
    screen = screen_of()
    ended = run(0, "complete", HOSTILE_PLAN)
    lines = shown(screen, opened, [ended], history(ended, 0.5))
    assert lines[1] == "best so far: 50.00 %, [red]a[/red]=lrlc-2, b�[31m=lc"
    assert lines[3].endswith("[red]a[/red]=lrlc-2, b�[31m=lc")


@pytest.mark.parametrize("width", [40, 80, 120])
def test_it_is_no_higher_than_a_terminal_whatever_the_plans(
    screen_of: Screen, opened: OpenStudy, run: Make, width: int
) -> None:
    long = Plan.of({f"layer{block}.0.conv{site}": "lrlc-4" for block in range(9) for site in range(4)})
    runs = [run(number, "pruned", long) for number in range(20)] + [run(number, "running", long) for number in (20, 21)]
    lines = shown(screen_of(width), opened, runs)
    assert len(lines) <= 24
    assert max(map(len, lines)) <= width
    if width >= 80:
        assert all(line.endswith("…") for line in lines[3:])
        assert all("pruned  " in line or "running  " in line for line in lines[3:])


def test_time_left_is_told_from_the_pace_of_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 110.0, 130.0])
    monkeypatch.setattr("lrlc_nas.cli.terminal.live.time.monotonic", lambda: next(clock))
    pace = _Pace(5)  # what was trained before this display opened says nothing about its pace
    assert pace.time_left(5, 20) == "…"
    assert pace.time_left(6, 19) == "…"  # from here on, at second 100
    assert pace.time_left(8, 17) == "at most 0:01:25"  # 10 s for 2 epochs
    assert pace.time_left(9, 4000) == "at most 11:06:40"  # 30 s for 3 epochs


def test_time_left_counts_the_epochs_of_all_runs_to_come(
    screen_of: Screen, opened: OpenStudy, run: Make, history: Epochs, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher = Watcher(screen_of(), opened.store, opened.record)
    running = run(0, "running", Plan())
    runs = [running, run(1, "waiting"), run(2, "pruned", Plan())]
    now = 0.0
    monkeypatch.setattr("lrlc_nas.cli.terminal.live.time.monotonic", lambda: now)
    watcher.page(runs, {running.run_id: history(running, 0.1)})
    now = 3.0
    screen = screen_of()
    screen.print(watcher.page(runs, {running.run_id: history(running, 0.1, 0.2)}))
    assert "time left: at most 0:00:18" in screen.export_text()  # 2 epochs of this run and 4 of the next


def test_where_there_is_no_terminal_each_end_is_a_line(
    opened: OpenStudy, run: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [run(0, "complete", Plan()), run(1, "running", HOSTILE_PLAN), run(2, "waiting")]
    monkeypatch.setattr(opened.store, "runs", lambda _: runs)
    watcher = Watcher(Console(force_terminal=False, width=40), opened.store, opened.record)
    with watcher.watching():
        watcher.tick(force=True)
        runs[1] = run(1, "failed", HOSTILE_PLAN, reason="error: [bold]", value=None)
        watcher.tick(force=True)
        watcher.tick(force=True)
        runs[2] = run(2, "pruned", Plan(), reason="diverged", value=0.125)
    assert capsys.readouterr().out == (
        "[2/3] run 1 [red]a[/red]=lrlc-2, b�[31m=lc: failed (error: [bold])\n"
        "[3/3] run 2 host: pruned 12.50 % (diverged)\n"
    )


def test_in_a_terminal_the_page_is_redrawn_and_gone_at_the_end(
    screen_of: Screen, opened: OpenStudy, run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opened.store, "runs", lambda _: [run(0, "complete", Plan()), run(1, "waiting")])
    screen = screen_of()
    watcher = Watcher(screen, opened.store, opened.record)
    with watcher.watching():
        watcher.tick()
        watcher.tick()  # too soon to be drawn again
    written = screen.file.getvalue()  # type: ignore[attr-defined]
    assert written.count("best so far") == 2  # by the first tick, and by the end
    assert written.rstrip("\n").endswith("\x1b[2K")  # the last thing it does is to clear its lines

"""Tables fit a terminal of 80 columns and show names as text."""

import re
import shutil
from collections.abc import Callable, Sequence

import pytest
from rich.console import Console

from lrlc_nas.choices import CONV, Choice, Plan
from lrlc_nas.cli.terminal import print_sites, print_studies, print_study
from lrlc_nas.cli.terminal.tables import print_effects
from lrlc_nas.config import load_config
from lrlc_nas.engine import OpenStudy, prepare, study_folder
from lrlc_nas.evidence import Effect, Screening, screen
from lrlc_nas.networks import site_cost
from lrlc_nas.store import RunRecord

Make = Callable[..., RunRecord]
Screen = Callable[..., Console]


@pytest.fixture
def terminal(screen_of: Screen, monkeypatch: pytest.MonkeyPatch) -> Console:
    """What the tables are printed to: a terminal of 80 columns."""
    screen = screen_of(80)
    for name in ("sites", "studies", "tables"):
        monkeypatch.setattr(f"lrlc_nas.cli.terminal.{name}.console", lambda: screen)
    return screen


def lines_of(terminal: Console) -> list[str]:
    lines = [line.rstrip() for line in terminal.export_text().splitlines()]
    assert max(map(len, lines)) <= terminal.width
    return lines


def screening(opened: OpenStudy, effects: Sequence[Effect]) -> Screening:
    empty = screen(opened.record, [], {})
    return Screening(**{**vars(empty), "effects": tuple(effects)})


def test_effects_stand_site_by_choice_ordered_by_relaxation(opened: OpenStudy, terminal: Console) -> None:
    effects = [
        Effect("conv1", "lc", -4.504, -8.45, -0.556, 3),
        Effect("conv1", "lrlc-2", 0.357, None, None, 3, "too few runs"),
        Effect("[red]x[/red]", "lrlc-2", None, None, None, 0, "no run"),
    ]
    print_effects(terminal, screening(opened, effects))
    lines = lines_of(terminal)
    assert lines[0] == "effect against conv, points of search accuracy [95 % interval], screening:"
    assert lines[2].split() == ["site", "lrlc-2", "lc"]
    assert re.fullmatch(r" conv1 +\+0\.36  -4\.50 \[-8\.45, -0\.56\]", lines[4])
    assert re.fullmatch(r" \[red\]x\[/red\]  not estimable yet +not in the space", lines[5])


def test_effects_that_would_not_fit_side_by_side_stand_below_each_other(opened: OpenStudy, terminal: Console) -> None:
    choices = ["lrlc-2", "lrlc-4", "lrlc-8", "lc"]
    effects = [Effect("layer1.0.conv1", choice, -10.0, -20.0, 10.0, 3) for choice in choices]
    print_effects(terminal, screening(opened, effects))
    lines = lines_of(terminal)
    assert lines[2].split() == ["site", "choice", "effect"]
    rows = [line.split() for line in lines[4:] if line]
    assert rows == [["layer1.0.conv1", choice, "-10.00", "[-20.00,", "+10.00]"] for choice in choices]


def test_a_study_shows_its_runs_whole(
    opened: OpenStudy, terminal: Console, run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan.of({"conv1": "lrlc-2", "conv2": "lc", "conv3": "lrlc-4"})
    runs = [
        run(0, "complete", Plan(), role="host", value=0.705),
        run(123456, "pruned", plan, value=0.1, epoch=120, parameters=1_234_567_890, reason="diverged: [b]loss[/b]"),
        run(2, "waiting", parameters=None),
    ]
    monkeypatch.setattr(opened.store, "runs", lambda _: runs)
    print_study(opened.store, "[red]x[/red]")
    text = "\n".join(lines_of(terminal))
    assert text.startswith("[red]x[/red]: paper-cnn on embedded; 6 runs: 6 waiting\n")
    header, first, second = (
        i for i, line in enumerate(text.splitlines()) if line[:8].strip() in ("run", "0", "123456")
    )
    rows = text.splitlines()
    assert rows[header].split() == ["run", "role", "state", "epochs", "accuracy", "parameters", "plan"]
    assert rows[first].split() == ["0", "host", "complete", "4", "70.50", "%", "1,234", "host"]
    assert rows[second].split()[:7] == ["123456", "sampled", "pruned", "120", "10.00", "%", "1,234,567,890"]
    wrapped = " ".join(" ".join(rows[second:]).split())
    for words in ("conv1=lrlc-2,", "conv2=lc,", "conv3=lrlc-4", "diverged:", "[b]loss[/b]"):
        assert words in wrapped


def test_studies_are_listed_with_their_progress(
    opened: OpenStudy, terminal: Console, run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [run(0, "complete", Plan(), value=0.25), run(1, "failed", value=None), run(2, "waiting")]
    monkeypatch.setattr(opened.store, "runs", lambda _: runs)
    print_studies(opened.store)
    row = next(line for line in lines_of(terminal) if "[red]" in line)
    assert row.split()[:6] == ["[red]x[/red]", "paper-cnn", "embedded", "2/3", "25.00", "%"]
    assert row.endswith(f"{opened.record.created:%Y-%m-%d %H:%M}")


def test_what_checkpoints_take_is_shown(opened: OpenStudy, terminal: Console) -> None:
    folder = study_folder(opened.store, opened.record)
    for trial, size in (("trial-0", 2**20), ("trial-12", 2**19)):
        (folder / trial / "attempt-1").mkdir(parents=True)
        (folder / trial / "attempt-1" / "epoch-00000.pt").write_bytes(bytes(size))
    (folder / "worker-0.log").write_bytes(bytes(2**20))
    try:
        print_study(opened.store, opened.record.name)
        print_studies(opened.store)
    finally:
        shutil.rmtree(folder)
    lines = lines_of(terminal)
    assert lines[1] == "checkpoints on this machine: 1.5 MiB"
    header, _, row = filter(None, lines[-4:])
    assert header.split() == ["study", "host", "data", "ended", "best", "disk", "created", "(UTC)"]
    assert " 0/6 " in row
    assert " 1.5 MiB " in row


@pytest.mark.parametrize(
    "sets",
    [(), ("host.name=torchvision:resnet18", "host.options={}", "space.choices=['lrlc-2']", "space.max_memory=1.1")],
    ids=["paper-cnn", "resnet18"],
)
def test_sites_are_whole_in_80_columns(terminal: Console, sets: tuple[str, ...]) -> None:
    prepared = prepare(load_config(None, sets))
    print_sites(prepared)
    text = "\n".join(lines_of(terminal))
    assert f"{prepared.host.parameters:,} parameters" in text
    for name, site in prepared.survey.sites.items():
        assert f"\n {name} " in text
        for token in prepared.config.space.choices:
            extra = site_cost(site, Choice.parse(token)) - site_cost(site, CONV)
            assert f" {token} " in text
            assert f"{extra.parameters:+,} " in text
            assert f"{extra.macs:+,} " in text
            assert f"{extra.training_bytes(64) / 2**20:+,.1f} MiB " in text


def test_sites_say_where_a_control_cannot_be_built_and_count_what_the_host_widens(terminal: Console) -> None:
    sets = ("host.options={channels=8}", "space.choices=['coord', 'wide-2', 'tied-2', 'lrlc-2-input']")
    sets += ("space.exclude=[]", "search.pruner=successive-halving", "search.host_repeats=3", "budget.trials=24")
    prepared = prepare(load_config(None, sets))
    print_sites(prepared)
    text = " ".join("\n".join(lines_of(terminal)).split())
    assert re.search(r"wide-2 no: the width .*that matches .*lrlc-2 is 8", text)
    wider = prepared.cost(Plan.of({"conv2": "wide-2"})).parameters - prepared.host.parameters
    assert f" wide-2 {wider:+,} " in text
    assert re.search(r"note: intervals may be missing: 12 unknowns .* budget\.trials=28 is enough", text)

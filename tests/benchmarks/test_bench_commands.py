"""Both ways to start it: `lrlc-nas bench layers`, and `python -m lrlc_nas.benchmarks layers` with torch alone."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from bench_samples import TINY, TINY_WORDS

from lrlc_nas import cli
from lrlc_nas.benchmarks import __main__

Command = Callable[..., int]


def _by_cli(*words: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["lrlc-nas", "bench", *words])
        with pytest.raises(SystemExit) as end:
            cli.main()
    return int(end.value.code or 0)


def _by_module(*words: str) -> int:
    return __main__.main(words)


@pytest.fixture(params=[_by_cli, _by_module], ids=["cli", "module"])
def command(request: pytest.FixtureRequest) -> Command:
    found: Command = request.param
    return found


@pytest.mark.usefixtures("_known_rates")
def test_it_measures_shows_and_writes(command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "speed.json"
    words = ["--quick", "--size", TINY_WORDS, "--layout", "channels_last", "--device", "cpu", "--json", str(path)]
    assert command("layers", *words) == 0
    found = json.loads(path.read_text())
    machine = found["machine"]
    out, err = capsys.readouterr()
    assert err == ""
    assert [each["size"] for each in found["comparisons"]] == [json.loads(json.dumps(asdict(TINY)))] * 2
    assert {each["layout"] for each in found["comparisons"]} == {"channels_last"}
    assert (machine["device"], machine["dtype"]) == ("cpu", "float32")
    assert (machine["torch"], machine["threads"]) == (torch.__version__, torch.get_num_threads())
    for words_shown in (machine["name"], "lrlc kernel path, K=8", "unfold x weight, sum", "not measured: K=4"):
        assert words_shown in out


@pytest.mark.usefixtures("_known_rates")
def test_a_quick_one_meets_the_slow_peer_at_a_small_batch(tmp_path: Path) -> None:
    path = tmp_path / "speed.json"
    words = ["--quick", "--device", "cpu", "--size", "C=1,F=1,input=3,B=20", "--json", str(path)]
    assert _by_module("layers", *words) == 0
    batches = [each["size"]["batch"] for each in json.loads(path.read_text())["comparisons"]]
    assert batches == [20, 8]


WRONG = {
    "device": ("--device tpu", "--device must be cpu, cuda or cuda:N; got 'tpu'"),
    "kind of device": ("--device meta", "--device must be cpu, cuda or cuda:N; got 'meta'"),
    "GPU": ("--device cuda:99", f"which has {torch.cuda.device_count()} GPUs; got 'cuda:99'"),
    "layout": ("--layout nhwc", "--layout must be one of nchw, channels_last, both; got 'nhwc'"),
    "size": ("--size C=a", "--size requires a number for C; got 'a'"),
    "no folder": ("--json none/x.json", "--json must name a file that can be written; got 'none/x.json'"),
    "a folder": ("--json .", "--json must name a file that can be written; got '.'"),
}


@pytest.mark.parametrize(("line", "message"), WRONG.values(), ids=WRONG)
def test_wrong_words_are_refused_before_anything_is_measured(
    command: Command,
    line: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def began(*_: object) -> None:
        raise AssertionError("what had to be refused began to measure")

    monkeypatch.setattr("lrlc_nas.benchmarks.benchmark.measure_rates", began)
    monkeypatch.chdir(tmp_path)
    assert command("layers", *line.split()) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n"), list(tmp_path.iterdir())) == ("", 1, [])
    assert err.startswith("Error: ")
    assert message in err


@pytest.mark.usefixtures("_known_rates")
def test_a_file_that_cannot_be_written_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The tables are shown all the same."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    words = ["--quick", "--device", "cpu", "--size", TINY_WORDS, "--json", str(tmp_path / "x.json")]
    assert _by_module("layers", *words) == 2
    out, err = capsys.readouterr()
    assert "K=8: K convolutions + einsum over LRLC" in out
    assert f"cannot write the records to {tmp_path / 'x.json'}: No space left on device" in err


def test_torch_is_enough(tmp_path: Path) -> None:
    """As a process in which nothing else can be imported."""
    others = "torchvision optuna sqlalchemy alembic pydantic scipy plotly jinja2 psutil typer rich safetensors"
    script = (
        "import runpy, sys\n"
        f"sys.modules.update(dict.fromkeys({others.split()!r}))\n"
        "runpy.run_module('lrlc_nas.benchmarks', run_name='__main__', alter_sys=True)\n"
    )
    words = ["layers", "--quick", "--device", "cpu", "--size", TINY_WORDS, "--json", "speed.json"]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *words],
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "fwd+bwd ms" in done.stdout
    assert json.loads((tmp_path / "speed.json").read_text())["machine"]["threads"] == 1

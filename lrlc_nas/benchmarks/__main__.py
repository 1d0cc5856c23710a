"""The benchmarks where nothing but torch is installed: `python -m lrlc_nas.benchmarks layers`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import InputError
from .benchmark import LAYOUT_WORDS, Request, run_layers

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a benchmark; the exit code is 0, 2 for what the user got wrong, or 130 if Ctrl-C cut it short."""
    try:
        run_layers(Request.of(**vars(_parser().parse_args(arguments))), lambda text: print(text, flush=True))
    except InputError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lrlc_nas.benchmarks", description=__doc__)
    layers = parser.add_subparsers(required=True, metavar="layers").add_parser(
        "layers", help="compare the layers with convolutions and with the usual code"
    )
    layers.add_argument("--device", help="cpu, cuda or cuda:N; default: a GPU where there is one")
    layers.add_argument("--json", type=Path, metavar="FILE", help="write all records there")
    layers.add_argument("--quick", action="store_true", help="the reference size, two ranks, few rounds")
    size = "C, F, kernel, input, B, padding, groups; may be repeated"
    layers.add_argument("--size", dest="sizes", action="append", default=[], metavar="KEY=N,...", help=size)
    layers.add_argument("--layout", help=f"of the maps in memory: {', '.join(LAYOUT_WORDS)}")
    return parser


if __name__ == "__main__":
    sys.exit(main())

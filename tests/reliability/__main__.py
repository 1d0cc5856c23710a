"""The fault programme: `python -m tests.reliability`, in the folder of the repository."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lrlc_nas.errors import LrlcNasError
from lrlc_nas.signals import interrupt_once

from .programme import run_faults

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the programme.

    Args:
        arguments: words of the command line; None for those of this process.

    Returns:
        The exit code: 0, 1 if a promise was not kept, 2 for what the user got wrong, 130 if Ctrl-C cut it short.
    """
    words = _parser().parse_args(arguments)
    interrupt_once()  # whatever ends this command, it ends its servers first
    try:
        run_faults(
            lambda text: print(text, flush=True), on=words.on, quick=words.quick, soak=words.soak, json=words.json
        )
    except LrlcNasError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.reliability",
        description=(
            "Kill, freeze, damage and poison small studies, and see whether they keep their promises. It works in "
            "temporary folders and starts database servers of its own. All of it takes half an hour on two CPU "
            "cores, --quick some minutes. It ends with exit code 1 if a promise was not kept."
        ),
    )
    parser.add_argument(
        "--on",
        action="append",
        default=[],
        metavar="DATABASE",
        help="sqlite, postgresql or mariadb; may be repeated; default: SQLite, and installed servers",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all findings there")
    parser.add_argument("--quick", action="store_true", help="some trouble of each kind")
    parser.add_argument(
        "--soak", action="store_true", help="kill supervised workers for half an hour instead of all else"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

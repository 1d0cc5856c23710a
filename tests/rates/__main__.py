"""How often the evidence errs: `python -m tests.rates`, in the folder of the repository."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from lrlc_nas.errors import InputError

from .rates import print_rates

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Count and print the rates.

    Args:
        arguments: words of the command line; None for those of this process.

    Returns:
        The exit code: 0, 1 if a rate disagrees with what is promised, 2 for what the user got wrong.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tests.rates",
        description=(
            "Count how often the evidence errs, on studies whose truth is known. They are simulated: nothing is "
            "trained. It ends with exit code 1 if a rate disagrees with what is promised."
        ),
    )
    parser.add_argument("--studies", type=int, default=1000, help="simulated studies of each kind")
    try:
        return 0 if print_rates(print, parser.parse_args(arguments).studies) else 1
    except InputError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())

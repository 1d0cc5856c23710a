"""`python -m lrlc_nas` is `lrlc-nas`."""

from .cli import main

if __name__ == "__main__":
    main()

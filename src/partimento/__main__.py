"""`python -m partimento`: the command line."""

import sys

from partimento.cli import main

if __name__ == "__main__":
    sys.exit(main())

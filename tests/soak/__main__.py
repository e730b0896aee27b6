"""Run the soak: a line after each part of it, and status 1 when anything was wrong."""

from __future__ import annotations

import sys

from tests.soak.soak import measure


def main() -> int:
    wrong = 0
    for figure in measure():
        print(figure.line().decode(), flush=True)
        wrong += not figure.holds
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

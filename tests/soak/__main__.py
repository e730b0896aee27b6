"""Run the soak, of one controller or of a `cluster`: a line after each part of it, status 1 when anything was wrong."""

from __future__ import annotations

import sys

from tests.soak.members import members
from tests.soak.soak import measure


def main() -> int:
    wrong = 0
    for figure in measure("soak-cluster", members) if sys.argv[1:] == ["cluster"] else measure():
        print(figure.line().decode(), flush=True)
        wrong += not figure.holds
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

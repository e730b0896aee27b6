"""Run the soak: of one controller, of a `cluster`, or an `attack` on one.

A line after each part of it; status 1 when anything was wrong.
"""

from __future__ import annotations

import sys

from tests.soak.attack import attack
from tests.soak.members import members
from tests.soak.soak import measure

STAGES = {"single": measure, "cluster": lambda: measure("soak-cluster", members), "attack": attack.measure}


def main() -> int:
    wrong = 0
    for figure in STAGES[sys.argv[1] if sys.argv[1:] else "single"]():
        print(figure.line().decode(), flush=True)
        wrong += not figure.holds
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""Simulated switches: `python -m tests.bench.simulated ADDRESS PORT COUNT`; they connect again and again."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from controller.runtime import hub
from tests.simswitch import SimSwitch


def main() -> None:
    address, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    keep_connected([SimSwitch(number + 1, (address, port)) for number in range(count)], 0.5)


def keep_connected(switches: Sequence[SimSwitch], pause: float) -> None:
    """Connect each switch again whenever it is not connected; a look every `pause` seconds, for ever."""
    while True:
        for switch in switches:
            if not switch.connected:
                try:
                    switch.connect()
                except OSError:
                    break  # no controller
        hub.sleep(pause)


if __name__ == "__main__":
    main()

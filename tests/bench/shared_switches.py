"""Simulated switches with one flow table and several controllers: `... COUNT PORTS ADDRESS:PORT...`."""

from __future__ import annotations

import sys

from controller.runtime import hub
from tests.simswitch import SimSwitch


def main() -> None:
    count, ports = int(sys.argv[1]), int(sys.argv[2])
    doors = [(host, int(port)) for host, _, port in (each.rpartition(":") for each in sys.argv[3:])]
    switches: list[SimSwitch] = []
    for number in range(count):
        names = tuple(f"v{number * ports + n}" for n in range(ports))
        first, *others = (SimSwitch(number + 1, door, names) for door in doors)
        for other in others:
            other.share(first)
        switches += [first, *others]
    while True:
        for switch in switches:
            if not switch.connected:
                try:
                    switch.connect()
                except OSError:
                    continue  # no controller there
        hub.sleep(0.5)


if __name__ == "__main__":
    main()

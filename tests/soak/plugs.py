"""Interfaces that come, move and go on real hypervisors, at random."""

from __future__ import annotations

import random
import subprocess
import threading
import time

from tests.lab import Lab
from tests.lab.netns import CommandFailed


class Plugs:
    """`names`: the VIFs.  An interface is plugged in on one hypervisor at most, but for the moment of a move."""

    def __init__(self, lab: Lab, names: list[str], seed: int) -> None:
        self._lab = lab
        self._names = names
        self._random = random.Random(f"plugs {seed}")
        self._at: dict[str, int] = {}  # VIF -> hypervisor

    def work(self, until: threading.Event) -> None:
        while not until.is_set():
            self._one()
            time.sleep(self._random.random() * 0.2)

    def _one(self) -> None:
        number = self._random.randrange(len(self._names))
        vif, name = self._names[number], f"v{number}"
        here = self._at.get(vif)
        there = self._random.randrange(len(self._lab.hypervisors))
        try:
            if here is not None:
                self._lab[here].vsctl("--no-wait", "--", "--if-exists", "del-port", "br-int", name)
                del self._at[vif]
            if here is None or self._random.random() < 0.6:
                self._at[vif] = there
                self._lab[there].vsctl(
                    "--no-wait", "--", "--may-exist", "add-port", "br-int", name, "--", "set", "interface", name,
                    "type=internal", f"external_ids:iface-id={vif}",
                )  # fmt: skip
        except (CommandFailed, subprocess.TimeoutExpired):
            return  # the hypervisor is about to be started anew

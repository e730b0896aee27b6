"""No speed: three minutes of everything at once on real Open vSwitch, and whether all is right after each part of it.

Tenants of both APIs write at random, interfaces come, move and go; ovs-vswitchd, ovsdb-server and the controller are
killed and started, an ovs-vswitchd stands still for a while.  Then nothing happens any more, and: each switch holds
what a compile from nothing says, every port has the status that follows from where it is, what was acknowledged is
there, no reservation is left behind, no audit has found anything, the log has no error.  `SOAK_SEED` repeats the
choices (not the moments) of a run, `SOAK_ROUNDS` makes it longer.
"""

from __future__ import annotations

import itertools
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from tests.bench.figure import Figure
from tests.lab.cloud import until
from tests.soak import verify
from tests.soak.learner import Learner
from tests.soak.plugs import Plugs
from tests.soak.single import single
from tests.soak.stage import Stage
from tests.soak.tenant import Tenant, vifs

ROUNDS = int(os.environ.get("SOAK_ROUNDS", "5"))
ROUND = 20.0  # seconds of disorder before each look
QUIET = 120.0  # seconds that the switches are given to hold what they should
AUDIT = 5  # seconds: so that faults that an audit would put right are counted
SHOWN = 20  # faults of a round


class Soak:
    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage = stage
        self.tenants = [Tenant(stage, project, seed) for project in ("red", "blue", "green")]
        self.learners = [Learner(stage, project, seed) for project in ("old", "older")]
        self.people: list[Tenant | Learner] = [*self.tenants, *self.learners]
        names = [vif for each in self.people for vif in vifs(each.project)]
        self.plugs = Plugs(stage.lab, names, seed)
        self.random = random.Random(seed)
        self.done: Counter[str] = Counter()

    def disorder(self, seconds: float) -> None:
        """Everybody at once; the processes are started from this thread, with which they end."""
        over = threading.Event()
        works = [self.plugs.work, *(each.work for each in self.people)]
        threads = [threading.Thread(target=work, args=(over,)) for work in works]
        for thread in threads:
            thread.start()
        try:
            ends = time.monotonic() + seconds
            while time.monotonic() < ends:
                time.sleep(1 + 4 * self.random.random())
                self._disturb()
        finally:
            over.set()
            for thread in threads:
                thread.join()

    def _disturb(self) -> None:
        known = self.stage.disturbances
        what = self.random.choices(list(known), [often for often, _ in known.values()])[0]
        self.done[what] += 1
        known[what][1](self.random)

    def look(self) -> list[str]:
        """What is not as it should be."""
        if unsettled := self.stage.settled(QUIET):
            return [f"not settled in {QUIET:g} s: {unsettled}"]
        until(lambda: not self._wrong(), QUIET, 1.0)  # ports follow what OVS is still telling
        time.sleep(AUDIT + 1)
        faults = [*self._wrong(), *verify.log(self.stage.text(), self.stage.fault)]
        for each in self.people:
            faults += each.faults
            each.faults.clear()
        if repaired := self.stage.repaired():
            faults.append(f"audits found {repaired:g} flows that were not right")
        return faults

    def _wrong(self) -> list[str]:
        model = self.stage.stored()
        ports = self.stage.api("GET", "/v2.0/ports").json["ports"]
        found = [verify.statuses(model, ports), verify.reservations(model)]
        for hypervisor in self.stage.lab:
            found += [verify.switch(model, hypervisor), verify.interfaces(model, hypervisor)]
        found += [verify.acknowledged(model, tenant) for tenant in self.tenants]
        return list(itertools.chain(*found))


def measure(
    name: str = "soak", where: Callable[[int], AbstractContextManager[Stage]] = single
) -> Iterator[Figure]:  # fmt: skip
    seed = int(os.environ.get("SOAK_SEED", "0")) or random.randrange(1, 1 << 30)
    with where(AUDIT) as stage:
        running = Soak(stage, seed)
        for number in range(1, ROUNDS + 1):
            running.disorder(ROUND)
            faults = running.look()
            yield Figure(
                name=f"{name}-{number}",
                value=len(faults),
                unit="faults",
                at_least="0",
                holds=not faults,
                details={
                    "faults": faults[:SHOWN],
                    "seed": seed,
                    "done": dict(running.done),
                    "answers": {tenant.project: dict(tenant.answers) for tenant in running.tenants},
                },
            )

"""No speed: three minutes of everything at once on real Open vSwitch, and whether all is right after each part of it.

Tenants of both APIs write at random, interfaces come, move and go; ovs-vswitchd, ovsdb-server and the controller are
killed and started, an ovs-vswitchd stands still for a while.  Then nothing happens any more, and: each switch holds
what a compile from nothing says, every port has the status that follows from where it is, what was acknowledged is
there, no reservation is left behind, no audit has found anything, the log has no error.  `SOAK_SEED` repeats the
choices (not the moments) of a run.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench.figure import Figure
from tests.lab import Hypervisor
from tests.lab.cloud import Cloud, cloud, until
from tests.soak import verify
from tests.soak.learner import Learner
from tests.soak.plugs import Plugs
from tests.soak.tenant import Tenant, vifs

ENCAPS = (("vxlan",), ("vxlan", "geneve"), ("geneve", "vxlan"))  # of each hypervisor
ROUNDS, ROUND = 5, 20.0  # seconds of disorder before each look
QUIET = 120.0  # seconds that the switches are given to hold what they should
AUDIT = 5  # seconds: so that faults that an audit would put right are counted
STALL = 16.0  # seconds, after which the controller has given up
SHOWN = 20  # faults of a round


class Soak:
    def __init__(self, made: Cloud, seed: int) -> None:
        self.cloud = made
        self.controller = made.controller
        self.tenants = [Tenant(self.controller, project, seed) for project in ("red", "blue", "green")]
        self.learners = [Learner(self.controller, project, seed) for project in ("old", "older")]
        names = [vif for each in (*self.tenants, *self.learners) for vif in vifs(each.project)]
        self.plugs = Plugs(made.lab, names, seed)
        self.random = random.Random(seed)
        self.done: Counter[str] = Counter()
        self.repaired = 0.0

    def disorder(self, seconds: float) -> None:
        """Everybody at once; the processes are started from this thread, with which they end."""
        over = threading.Event()
        actors = (*self.tenants, *self.learners, self.plugs)
        threads = [threading.Thread(target=actor.work, args=(over,)) for actor in actors]
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
        hypervisor = self.random.choice(self.cloud.lab.hypervisors)
        what = self.random.choices(("controller", "switch", "database", "stall"), (4, 4, 2, 1))[0]
        self.done[what] += 1
        if what == "controller":
            self._count_repairs()
            self.controller.restart()
        elif what == "switch":
            hypervisor.kill_switch()
            time.sleep(self.random.random())
            hypervisor.restart_switch()
        elif what == "database":
            hypervisor.restart_database()
        else:
            self._stall(hypervisor)

    def _stall(self, hypervisor: Hypervisor) -> None:
        """An ovs-vswitchd stands still, for longer than its connection lasts."""
        assert hypervisor.switch is not None
        os.kill(hypervisor.switch.pid, signal.SIGSTOP)
        try:
            time.sleep(STALL)
        finally:
            os.kill(hypervisor.switch.pid, signal.SIGCONT)

    def _count_repairs(self) -> None:
        self.repaired += self.controller.metric("tenet_flows_repaired_total")

    def look(self) -> list[str]:
        """What is not as it should be."""
        try:
            self.cloud.connected(QUIET)
        except AssertionError as fault:
            return [f"not settled in {QUIET:g} s: {fault}"]
        url = f"sqlite:///{self.controller.directory}/tenet.db"
        until(lambda: not self._wrong(url), QUIET, 1.0)  # ports follow what OVS is still telling
        time.sleep(AUDIT + 1)
        self._count_repairs()
        faults = [*self._wrong(url), *verify.log(self.controller)]
        for each in (*self.tenants, *self.learners):
            faults += each.faults
            each.faults.clear()
        if self.repaired:
            faults.append(f"audits found {self.repaired:g} flows that were not right")
        return faults

    def _wrong(self, url: str) -> list[str]:
        model = verify.stored(url)
        ports = self.controller.api("GET", "/v2.0/ports").json["ports"]
        found = [verify.statuses(model, ports), verify.reservations(model)]
        for hypervisor in self.cloud.lab:
            found += [verify.switch(model, hypervisor), verify.interfaces(model, hypervisor)]
        found += [verify.acknowledged(model, tenant) for tenant in self.tenants]
        return list(itertools.chain(*found))


def measure() -> Iterator[Figure]:
    seed = int(os.environ.get("SOAK_SEED", "0")) or random.randrange(1, 1 << 30)
    with soak(seed) as running:
        for number in range(1, ROUNDS + 1):
            running.disorder(ROUND)
            faults = running.look()
            yield Figure(
                name=f"soak-{number}",
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


@contextmanager
def soak(seed: int) -> Iterator[Soak]:
    with cloud(ENCAPS, {"openflow": {"audit_interval": AUDIT}}) as made:
        yield Soak(made, seed)

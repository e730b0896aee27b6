"""No speed: ten minutes of everybody who means harm at once, against three members over TLS, with traffic.

Tenants with tokens and strangers send wrong and large requests, hold sockets and event streams, and come to the ports
of switches and databases; one of three hypervisors lies, with the certificate that is its own.  Meanwhile no ping is
lost, no lease, no request of an honest tenant; no port is in ERROR, the hub is not held, and memory stays as it is.
Then every switch holds what a compile from nothing says.  `ATTACK_SECONDS` says how long that is, `SOAK_SEED` repeats
the choices of a run.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from northbound.identity import tokens
from tests.bench.figure import Figure
from tests.cluster.engine import FIRST
from tests.cluster.machine import machine
from tests.cluster.site import Site, site
from tests.lab import Reply, Vm
from tests.lab.cloud import until
from tests.lab.netns import ip
from tests.soak import verify
from tests.soak.attack.connections import GreedyStreams, SlowSockets
from tests.soak.attack.health import Health
from tests.soak.attack.hypervisor import Liar, Strangers
from tests.soak.attack.requests import LargeRequests, WrongRequests
from tests.soak.attack.target import Attacker, Target
from tests.soak.members import Members
from tests.soak.tenant import Tenant

SECONDS = float(os.environ.get("ATTACK_SECONDS", "600"))
LOOK = 5.0  # seconds between two looks at the cluster's health
QUIET = 120.0  # seconds that the cluster is given in the end to be right
SHOWN = 30  # faults
CERTIFICATES = Path(__file__).parents[3] / "tools" / "certificates.sh"
ADDRESSES = [f"2001:db8::{number}" for number in (201, 202, 203, *range(FIRST + 1, FIRST + 4))]
EVIL = "2001:db8:1::66"  # the attacker's address
ROLES = {"operator": ("ops", "admin"), "red": ("red", "member"), "blue": ("blue", "member"), "spy": ("red", "reader")}


class Attack:
    def __init__(self, made: Site, known: Mapping[str, str], files: Path, seed: int) -> None:
        self._site = made
        self._known = known
        self._stage = Honest(made)
        self.honest = [Tenant(self._stage, project, seed) for project in ("calm", "quiet")]
        self._victims = self._traffic()
        self.health = Health(made)
        self.attackers = self._attackers(self._target(files), seed)

    def _traffic(self) -> list[Vm]:
        """Two VMs of one network, on the two hypervisors that do not lie."""
        project = self._site.cloud.v2("acme")
        network = project.network()
        project.subnet(network, "10.0.0.0/24")
        self._ports = [project.port(network, f"10.0.0.{n + 1}") for n in range(2)]
        found = [self._site.cloud.start(self._site.lab[n], port) for n, port in enumerate(self._ports)]
        assert found[0].reaches("10.0.0.2") and found[1].reaches("10.0.0.1")
        return found

    def _target(self, files: Path) -> Target:
        evil = machine(self._site.lab, "evil", 230)
        ip([f"addr add {EVIL}/64 dev eth0 nodad"], evil.namespace)
        for member in self._site.members:
            ip(["route add 2001:db8:1::/64 dev eth0"], member.machine.namespace)
        return Target([member.machine.address6 for member in self._site.members], evil, EVIL, files, "hv3")

    def _attackers(self, target: Target, seed: int) -> list[Attacker]:
        victim, liar = self._site.lab[0], self._site.lab[2]
        shown = self._site.members[0].switches()
        ids = [*(port["id"] for port in self._ports), self._ports[0]["network_id"], *shown]
        projects = ["acme", "calm", *(project for project, _ in ROLES.values())]
        vifs = [port["id"] for port in self._ports]
        wrong = [
            WrongRequests(target, seed, self._known.get(who, ""), ids, projects) for who in ("red", "spy", "nobody")
        ]
        large = [LargeRequests(target, seed, self._known[who]) for who in ("red", "blue")]
        streams = [GreedyStreams(target, seed, self._known[who]) for who in ("red", "blue")]
        self._liar = Liar(target, seed, liar, victim, vifs)
        strangers = Strangers(target, seed, int(shown[victim.system_id]["dpid"], 16))
        return [*wrong, *large, *streams, SlowSockets(target, seed), strangers, self._liar]

    def run(self, seconds: float) -> None:
        over = threading.Event()
        threads = [threading.Thread(target=each.work, args=(over,)) for each in (*self.honest, *self.attackers)]
        one, two = self._victims
        pings = [one.pinging("10.0.0.2", 0.05), two.pinging("10.0.0.1", 0.05)]
        self.health.look()
        for thread in threads:
            thread.start()
        try:
            ends = time.monotonic() + seconds
            while time.monotonic() < ends:
                time.sleep(LOOK)
                self.health.look()
        finally:
            over.set()
            for thread in threads:
                thread.join()
        self._lost = [
            f"{vm.name} lost pings {lost[:20]}"
            for vm, lost in zip(self._victims, (p.stop() for p in pings), strict=True)
            if lost
        ]

    def wrong(self) -> list[str]:
        """What is not as it should be, once the attack is over."""
        faults = [*self._lost, *self.health.wrong()]
        for each in (*self.honest, *self.attackers):
            faults += each.faults
        faults += [f"an honest tenant was not answered: {each}" for each in self._stage.unanswered]
        self._liar.tell_the_truth()
        if unsettled := self._stage.settled(QUIET):
            return [*faults, f"not settled in {QUIET:g} s: {unsettled}"]
        until(lambda: not self._differs(), QUIET, 1.0)
        log = verify.log(self._stage.text(), "Traceback|CRITICAL| ERROR ")
        return [*faults, *self._differs(), *log]

    def _differs(self) -> list[str]:
        model = self._stage.stored()
        found = [each for hypervisor in self._site.lab for each in verify.switch(model, hypervisor)]
        found += [each for tenant in self.honest for each in verify.acknowledged(model, tenant)]
        return [*found, *verify.reservations(model)]


class Honest(Members):
    """The cluster as honest tenants have it: nobody kills anything, so everything must be answered."""

    def __init__(self, made: Site) -> None:
        super().__init__(made)
        self.unanswered: list[str] = []

    def api(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 60.0,
    ) -> Reply:
        try:
            return super().api(method, path, body, headers, timeout)
        except (OSError, http.client.HTTPException) as error:
            self.unanswered.append(f"{method} {path}: {error!r}")
            raise


@contextmanager
def attacked(seed: int) -> Iterator[Attack]:
    with contextlib.ExitStack() as stack:
        files = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for argv in (["ca"], ["controller", *ADDRESSES], *(["hypervisor", f"hv{n}"] for n in (1, 2, 3))):
            subprocess.run([CERTIFICATES, argv[0], files, *argv[1:]], check=True, stdin=subprocess.DEVNULL)
        made = {who: tokens.new(project, who, [role], 0) for who, (project, role) in ROLES.items()}
        tokens.save(files / "tokens", [entry for _, entry in made.values()])
        options: dict[str, dict[str, object]] = {
            "auth": {"strategy": "tokens", "tokens": files / "tokens"},
            "network": {"underlay_ip_version": 6},
        }
        operator = made["operator"][0]
        cluster = stack.enter_context(site(3, 3, options, engines=3, files=files, token=operator))
        yield Attack(cluster, {who: token for who, (token, _) in made.items()}, files, seed)


def measure() -> Iterator[Figure]:
    seed = int(os.environ.get("SOAK_SEED", "0")) or random.randrange(1, 1 << 30)
    with attacked(seed) as attack:
        attack.run(SECONDS)
        faults = attack.wrong()
        yield Figure(
            name="soak-attack",
            value=len(faults),
            unit="faults",
            at_least="0",
            holds=not faults,
            details={
                "faults": faults[:SHOWN],
                "seed": seed,
                "seconds": SECONDS,
                "answers": {f"{each.name} {n}": dict(each.answers) for n, each in enumerate(attack.attackers)},
                "honest": {tenant.project: dict(tenant.answers) for tenant in attack.honest},
                "health": attack.health.told(),
            },
        )

"""A random scene: one or two tenants with the same addresses, their plans as rows on some fabric, and packets."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from msgspec.structs import replace

from controller.model.rows import Link, Network, Physical, Row, Switch
from tests.apps.clouds import PATCH, on_physical, switch
from tests.routing import chance as random_plans
from tests.routing.plan import Plan, PlannedHost, PlannedRouter
from tests.routing.rows import rows
from tests.world import Said, World

FABRICS = ("one switch", "tunnels", "wires", "a physical network")
WIRE, HOSTS = 700, 6
TTLS = (1, 2, 3, 64, 64, 64)


class Packet(NamedTuple):
    """`sender` sends it to `router`; `said`: its fields."""

    plan: Plan
    sender: PlannedHost
    router: PlannedRouter
    family: int
    target: str
    ttl: int
    echo: bool

    @property
    def said(self) -> Said:
        """The frame that the sender puts on its wire."""
        network, version = self.plan.networks[self.sender.network], f"ipv{self.family}"
        head: Said = {
            "eth_src": network.mac(self.sender.nth), "eth_dst": self.router.mac(network, self.family),
            "eth_type": 0x0800 if self.family == 4 else 0x86DD, "ip_ttl": self.ttl,
            f"{version}_src": network.address(self.sender.nth, self.family), f"{version}_dst": self.target,
        }  # fmt: skip
        if not self.echo:
            return {**head, "ip_proto": 17, "udp_src": 5000, "udp_dst": 53}
        kind = ("ip_proto", 1, "icmpv4_type", 8) if self.family == 4 else ("ip_proto", 58, "icmpv6_type", 128)
        return {**head, kind[0]: kind[1], kind[2]: kind[3]}


class Scene(NamedTuple):
    world: World
    plans: tuple[Plan, ...]
    fabric: str


def scene(chance: random.Random, fabric: str) -> Scene:
    count = 1 if fabric == FABRICS[0] else chance.randint(2, 3)
    plans = tuple(random_plans.plan(chance, prefix, HOSTS) for prefix in ("a", "b")[: chance.randint(1, 2)])
    made: list[Row] = list(_switches(fabric, count))
    for tenant, plan in enumerate(plans, 1):
        places = {name: (chance.randint(1, count), 10 * tenant + nth) for nth, name in enumerate(plan.hosts)}
        made += _fabric_of(fabric, tenant, rows(plan, tenant, places))
    return Scene(World(*made), plans, fabric)


def _switches(fabric: str, count: int) -> Iterator[Row]:
    made: list[Switch] = [switch(number) for number in range(1, count + 1)]
    if fabric == "wires":
        made = [replace(one, encap_ip="", tunnels=()) for one in made]
        for one, other in pairwise(made):
            yield Link(switch_id=one.id, ofport=WIRE, far_switch_id=other.id, far_ofport=WIRE + 1)
            yield Link(switch_id=other.id, ofport=WIRE + 1, far_switch_id=one.id, far_ofport=WIRE)
    if fabric == "a physical network":
        made = [replace(one, physical=(Physical("p1", PATCH),)) for one in made]
    yield from made


def _fabric_of(fabric: str, tenant: int, some: Iterator[Row]) -> Iterator[Row]:
    """On a physical network every second network of a tenant is a VLAN there, the others go over tunnels."""
    for row in some:
        if fabric == "a physical network" and isinstance(row, Network) and row.segment % 2:
            yield on_physical(row, 100 * tenant + row.segment % 100)
        else:
            yield row


def packet(chance: random.Random, plans: tuple[Plan, ...]) -> Packet | None:
    """From a host to a router on its network, to anybody; None where nobody has a router."""
    plan = chance.choice(plans)
    senders = [one for one in plan.hosts.values() if plan.routers_on(one.network)]
    if not senders:
        return None
    sender = chance.choice(senders)
    router = chance.choice(plan.routers_on(sender.network))
    family = chance.choice(plan.networks[sender.network].families)
    target = chance.choice(list(_targets(plan, sender, family)))
    return Packet(plan, sender, router, family, target, chance.choice(TTLS), chance.random() < 0.7)


def _targets(plan: Plan, sender: PlannedHost, family: int) -> Iterator[str]:
    """Hosts and routers, twice, as they are what matters; addresses that nobody has."""
    for network in plan.networks.values():
        if family in network.families:
            near = [host for host in plan.hosts.values() if host.network == network.name and host is not sender]
            for one in (*near, *near, *near, *plan.routers_on(network.name)):
                yield network.address(one.nth, family)
            yield network.address(random_plans.NOBODY, family)
    yield "192.168.7.1" if family == 4 else "2001:db8:7::1"

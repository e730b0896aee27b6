"""Plain Linux as routers and hosts: a plan of routed networks in namespaces, which the kernel routes.

Networks are bridges, routers namespaces that forward, hosts namespaces with a default route.  Nothing of Tenet or of
Open vSwitch is in it.
"""

from __future__ import annotations

import itertools
import os
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import TracebackType

from tests.lab.netns import inside, ip, run
from tests.routing.plan import Plan, PlannedHost, PlannedNetwork, PlannedRouter

_numbers = itertools.count()
ANSWER = re.compile(r"(\d+) bytes from .* (?:ttl|hop limit)=(\d+)")
Asked = tuple[str, str]  # host, address
FORWARDING = (
    "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv4.conf.all.send_redirects=0",
    "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0", "net.ipv4.icmp_ratelimit=0",
    "net.ipv6.icmp.ratelimit=0", "net.ipv6.conf.default.accept_dad=0",
)  # fmt: skip
HOST = ("net.ipv6.conf.default.accept_ra=0", "net.ipv4.conf.all.accept_redirects=0",
        "net.ipv6.conf.default.accept_dad=0")  # fmt: skip


class PlainLinux:
    """A plan's namespaces, from `with` to its end."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._prefix = f"t{os.getpid()}-l{next(_numbers)}"
        self._made: list[str] = []

    def __enter__(self) -> PlainLinux:
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        ip([f"netns del {name}" for name in self._made])
        self._made.clear()

    def namespace(self, name: str) -> str:
        """Of a host or a router."""
        return f"{self._prefix}-{name}"

    def pings(self, asked: Iterable[Asked], ttl: int = 64) -> dict[Asked, int]:
        return ping_all({host: self.namespace(host) for host in self._plan.hosts}, asked, ttl)

    def _build(self) -> None:
        self._namespace("wires")
        for network in self._plan.networks.values():
            ip([f"link add b{network.number} type bridge mcast_snooping 0", f"link set b{network.number} up"],
               self.namespace("wires"))  # fmt: skip
        for router in self._plan.routers.values():
            self._station(router, [self._plan.networks[name] for name in router.networks], FORWARDING)
            ip(list(self._routes(router)), self.namespace(router.name))
        for host in self._plan.hosts.values():
            self._station(host, [self._plan.networks[host.network]], HOST)
            ip(list(default_routes(self._plan, host)), self.namespace(host.name))

    def _namespace(self, name: str) -> None:
        ip([f"netns add {self.namespace(name)}"])
        self._made.append(self.namespace(name))
        ip(["link set lo up"], self.namespace(name))

    def _station(
        self, one: PlannedRouter | PlannedHost, networks: list[PlannedNetwork], settings: Iterable[str]
    ) -> None:
        """Interfaces eth0, eth1, ... in networks."""
        self._namespace(one.name)
        own, wires = self.namespace(one.name), self.namespace("wires")
        run(inside(own, ["sysctl", "-qw", *settings]))
        for number, network in enumerate(networks):
            wire = f"{one.name}-{number}"
            ip([f"link add name {wire} netns {wires} type veth peer name eth{number} netns {own}"])
            ip([f"link set {wire} master b{network.number} up"], wires)
            ip([f"link set eth{number} address {network.mac(one.nth)}", f"link set eth{number} up"], own)
            ip(list(addresses(network, one.nth, f"eth{number}")), own)

    def _routes(self, router: PlannedRouter) -> Iterable[str]:
        """Those of one prefix become one route."""
        ways: dict[str, list[str]] = defaultdict(list)
        for route in router.routes:
            ways[route.destination].append(route.nexthop)
        for destination, nexthops in ways.items():
            yield f"route add {destination} " + " ".join(f"nexthop via {one}" for one in nexthops)


def addresses(network: PlannedNetwork, nth: int, device: str) -> Iterable[str]:
    """Lines for `ip` that give a station its addresses."""
    for family in network.families:
        length = network.prefix(family).prefixlen
        yield f"addr add {network.address(nth, family)}/{length} dev {device}{' nodad' if family == 6 else ''}"


def default_routes(plan: Plan, host: PlannedHost) -> Iterable[str]:
    """Lines for `ip` that give a host its gateway."""
    network = plan.networks[host.network]
    for family in network.families if host.gateway else ():
        via = network.address(plan.routers[host.gateway].nth, family)
        yield f"route add default via {via}"


def ping_all(namespaces: Mapping[str, str], asked: Iterable[Asked], ttl: int = 64) -> dict[Asked, int]:
    """One echo request each, all at once: the TTL of the answer, 0 where none comes in two seconds."""
    by_host: dict[str, list[str]] = defaultdict(list)
    for host, address in asked:
        by_host[host].append(address)
    running = {host: _pinging(namespaces[host], targets, ttl) for host, targets in by_host.items()}
    found: dict[Asked, int] = {}
    for host, process in running.items():
        for line in process.communicate(timeout=60)[0].splitlines():
            to, _, said = line.partition(" ")
            answer = ANSWER.search(said)
            found[host, to] = int(answer[2]) if answer else 0
    return found


def _pinging(namespace: str, targets: Iterable[str], ttl: int) -> subprocess.Popen[str]:
    script = "".join(f"(echo {to} $(ping -n -c1 -W2 -t{ttl} {to} 2>&1 | grep from)) & " for to in targets) + "wait"
    return subprocess.Popen(inside(namespace, ["sh", "-c", script]), stdout=subprocess.PIPE, text=True)

"""Random scenes of security groups on one switch: ports, groups, rules, packets, and changes between them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from msgspec.structs import replace

from controller.flow.interpret import Frame
from controller.model.rows import Link, Physical, Port, Row, SecurityGroupRule
from tests.apps.clouds import (
    PATCH,
    addresses_of,
    four,
    group,
    mac,
    network,
    on_physical,
    plugged,
    port,
    rule,
    six,
    switch,
)
from tests.world import frame

PORTS = ("p1", "p2", "p3", "p4", "p5")
WIRE = 700
EVERYBODY = "ff:ff:ff:ff:ff:ff"
PROTOCOLS = ("", "tcp", "tcp 80", "tcp 5-90", "udp", "udp 53", "udp 1-65535", "icmp", "icmp 8", "icmp 8 0", "icmp 13",
             "sctp 80", "sctp", "47", "132")  # fmt: skip
CHOICES = (None, (), ("one",), ("one",), ("two",), ("one", "two"), ("plain",), ("plain",))
REMOTES = ("", "", "one", "one", "two", "plain", "known", "prefix")


class Change(NamedTuple):
    """Rows that appear or change, and keys of rows that go."""

    rows: tuple[Row | str, ...]


FABRICS = ("one switch", "tunnels", "wires", "a physical network")


def beginning(chance: random.Random, fabric: str = "one switch") -> list[Row]:
    """Ports with OpenFlow ports 1 to 5, on one switch or on two."""
    rows: list[Row] = [*_switches(fabric), group("one", 7), group("two", 8), group("plain", 9, stateful=False)]
    rows.append(addresses_of("known", 10, *chance.sample([four(1), four(3), "10.0.0.4/30", "2001:db8::/126"], 2)))
    for number, name in enumerate(PORTS, 1):
        rows += [_port(chance, number), plugged(name, 1 if fabric == FABRICS[0] else chance.randint(1, 2), number)]
    for number in range(chance.randint(1, 9)):
        rows.append(_rule(chance, number))
    return rows


def _switches(fabric: str) -> Iterator[Row]:
    here = [switch(1)] if fabric == FABRICS[0] else [switch(1), switch(2)]
    if fabric == "wires":
        here = [replace(one, encap_ip="", tunnels=()) for one in here]
        for one, other in (("h1", "h2"), ("h2", "h1")):
            yield Link(switch_id=one, ofport=WIRE, far_switch_id=other, far_ofport=WIRE)
    outside = fabric == "a physical network"
    yield from (replace(one, physical=(Physical("p1", PATCH),)) if outside else one for one in here)
    yield on_physical(network("red"), 105) if outside else network("red")


def _port(chance: random.Random, number: int) -> Port:
    return replace(port(f"p{number}", "red", number), security_groups=chance.choice(CHOICES))


def _rule(chance: random.Random, number: int) -> SecurityGroupRule:
    remote, family = chance.choice(REMOTES), chance.choice([4, 4, 4, 6])
    said: dict[str, str] = {}
    if remote == "prefix":
        prefix = chance.choice([four(2), "10.0.0.0/30"] if family == 4 else [six(2), "2001:db8::/127"])
        said = {"remote_ip_prefix": prefix, "normalized_cidr": prefix}
    elif remote:
        said = {"remote_address_group_id" if remote == "known" else "remote_group_id": remote}
    of, direction = chance.choice(["one", "one", "two", "plain"]), chance.choice(["egress", "ingress"])
    protocol = chance.choice(("", "", *PROTOCOLS))
    return rule(f"r{number}", of, direction, protocol, family=family, **said)


def steps(chance: random.Random, rows: list[Row], left: list[Frame], count: int) -> Iterator[Frame | Change]:
    """Packets, and changes of rules and members.  `left`: frames that arrived, to be answered; the caller adds them."""
    rules = {row.key: row for row in rows if isinstance(row, SecurityGroupRule)}
    there = set(rules)
    sent: list[Frame] = []
    for _ in range(count):
        what = chance.random()
        if what < 0.12 and rules:
            key = chance.choice(sorted(rules))
            yield Change((key,) if key in there else (rules[key],))
            there ^= {key}
        elif what < 0.17:
            yield Change((_port(chance, chance.randint(1, len(PORTS))),))
        elif left and what < 0.5:
            yield answer(chance.choice(left[-5:]))
        elif left and what < 0.6 and (about := [one for one in left if one["ip_proto"] == 17 and "udp_dst" in one]):
            yield error(chance.choice(about))
        elif sent and what < 0.7:
            yield chance.choice(sent)
        else:
            sent.append(opener(chance))
            yield sent[-1]


def opener(chance: random.Random) -> Frame:
    here, there = chance.sample(range(1, len(PORTS) + 1), 2)
    family = chance.choice([4, 4, 4, 6])
    address = four if family == 4 else six
    said: dict[str, int | str] = {
        "eth_src": mac(here), "eth_dst": mac(there), "eth_type": 0x0800 if family == 4 else 0x86DD,
        f"ipv{family}_src": address(here), f"ipv{family}_dst": address(there),
    }  # fmt: skip
    rest: dict[str, int] = chance.choice([
        {"ip_proto": 6, "tcp_src": 5000, "tcp_dst": chance.choice([22, 80]), "tcp_flags": 2, "tcp_seq": 100},
        {"ip_proto": 17, "udp_src": chance.choice([53, 5000]), "udp_dst": chance.choice([53, 80])},
        {"ip_proto": 1 if family == 4 else 58, "icmp_id": 9, "icmpv4_type" if family == 4 else "icmpv6_type":
            8 if family == 4 else 128},
        {"ip_proto": chance.choice([47, 50])},
    ])  # fmt: skip
    return {**frame(**said), **rest, "in_port": here}


def to_many(chance: random.Random) -> Frame:
    """A broadcast that may begin a connection."""
    one = opener(chance)
    family = 4 if one["eth_type"] == 0x0800 else 6
    target = frame(ipv4_dst="10.0.0.255") if family == 4 else frame(ipv6_dst="ff02::99")
    return {**one, **frame(eth_dst=EVERYBODY), **target}


SWAPPED = (("eth_src", "eth_dst"), ("ipv4_src", "ipv4_dst"), ("ipv6_src", "ipv6_dst"), ("udp_src", "udp_dst"),
           ("tcp_src", "tcp_dst"))  # fmt: skip
ECHOES = {8: 0, 0: 8, 128: 129, 129: 128}


def number_of(address: int) -> int:
    """The port, by its MAC."""
    return address & 0xFF


def answer(left: Frame) -> Frame:
    """What its receiver answers to a packet; TCP's in order, as the tracker looks at windows."""
    made = {name: value for name, value in left.items() if not name.startswith("inner.")}
    for one, other in SWAPPED:
        if one in left or other in left:
            made[one], made[other] = left.get(other, 0), left.get(one, 0)
    for name in ("icmpv4_type", "icmpv6_type"):
        if "icmp_id" in left and name.startswith("icmpv4" if left["ip_proto"] == 1 else "icmpv6"):
            made[name] = ECHOES.get(left.get(name, 0), left.get(name, 0))
    if "tcp_flags" in left:
        made["tcp_flags"] = 18 if left["tcp_flags"] == 2 else 16
        made["tcp_ack"] = left.get("tcp_seq", 0) + (left["tcp_flags"] >> 1 & 1)
        made["tcp_seq"] = left.get("tcp_ack", 0) or 500
    made["in_port"] = number_of(made["eth_src"])
    return made


def error(left: Frame) -> Frame:
    """Port unreachable, from a packet's receiver to its sender."""
    family = 4 if left["eth_type"] == 0x0800 else 6
    quoted = {f"inner.{name}": value for name, value in left.items() if name.startswith(("ip", "udp"))}
    made = {name: left[name] for name in ("eth_type",)}
    made |= {"eth_src": left["eth_dst"], "eth_dst": left["eth_src"], "in_port": number_of(left["eth_dst"])}
    made |= {f"ipv{family}_src": left[f"ipv{family}_dst"], f"ipv{family}_dst": left[f"ipv{family}_src"]}
    return {**made, "ip_proto": 1 if family == 4 else 58, "icmpv4_type" if family == 4 else "icmpv6_type":
            3 if family == 4 else 1, **quoted}  # fmt: skip

"""Frames of a conversation between two ports: what a trace follows, and what has to come before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from controller.diagnose.headers import Headers
from controller.model.rows import Port
from controller.runtime.errors import Invalid

Fields = dict[str, int | str]  # of a frame, in their usual text form
PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "sctp": 132}
STATES = ("new", "established", "reply")
_CLIENT = 40_000  # the port of whoever opens a connection
_BROADCAST = "ff:ff:ff:ff:ff:ff"
_TTL = 64


class Outside(NamedTuple):
    """An address beyond a router, that no port of the sender's network has.

    `first_hop`: the router's port in that network.  `floating_ip_id`: of the floating IP that it is, "" where it is
    none.
    """

    address: str
    first_hop: Port
    floating_ip_id: str = ""


Target = Port | Outside
Way = Callable[[Port, Port], Port | None]  # the port of the router that the first sends to what is for the second


def direct(one: Port, other: Port) -> None:
    """Way of ports in one network."""


class Question(NamedTuple):
    """What is to be followed from one port to another, or to an address outside.

    `state`: the first packet of a connection, a further one, or an answer in a connection that the other port opened.
    `port`: that the connection is to; 0 for ICMP, of which an echo is followed.
    """

    protocol: str = "icmp"
    port: int = 0
    state: str = "new"

    @classmethod
    def of(cls, protocol: str, port: str, state: str) -> Question:
        """Raises `Invalid`."""
        if protocol not in PROTOCOLS:
            raise Invalid(f"protocol is one of {', '.join(PROTOCOLS)}, not {protocol[:64]!r}.")
        if state not in STATES:
            raise Invalid(f"state is one of {', '.join(STATES)}, not {state[:64]!r}.")
        if not (port.isascii() and port.isdigit() and int(port) < 65_536) or (protocol != "icmp") != bool(int(port)):
            raise Invalid("port is the destination port, 1 to 65535: tcp, udp and sctp need it, icmp has none.")
        return cls(protocol, int(port), state)

    @property
    def opened_by_other(self) -> bool:
        return self.state == "reply"


def request(one: Port, other: Target, way: Way = direct) -> Fields:
    """ARP request for the other's address, or for the router's on the way to it."""
    mine, theirs = _addresses(one)[0] or "0.0.0.0", _addresses(_receiver(one, other, way))[0] or "0.0.0.0"
    return {
        "eth_src": one.mac_address, "eth_dst": _BROADCAST, "eth_type": 0x0806, "arp_op": 1,
        "arp_sha": one.mac_address, "arp_spa": mine, "arp_tpa": theirs,
    }  # fmt: skip


def packet(one: Port, other: Target, asked: Question = Question(), way: Way = direct) -> Fields:  # noqa: B008  a value
    """The packet that is asked about, over IPv6 where the two have no IPv4 in common."""
    answer = asked.opened_by_other
    head: Fields = {"eth_src": one.mac_address, "eth_dst": _receiver(one, other, way).mac_address, "ip_ttl": _TTL}
    (mine, mine6), (theirs, theirs6) = _addresses(one), _addresses(other)
    six = bool(mine6 and theirs6 and not (mine and theirs))
    if six:
        head |= {"eth_type": 0x86DD, "ipv6_src": mine6, "ipv6_dst": theirs6}
    else:
        head |= {"eth_type": 0x0800, "ipv4_src": mine or "0.0.0.0", "ipv4_dst": theirs or "0.0.0.0"}
    if asked.protocol == "icmp":
        name, (ask, reply) = ("icmpv6_type", (128, 129)) if six else ("icmpv4_type", (8, 0))
        return {**head, "ip_proto": 58 if six else 1, name: reply if answer else ask}
    ends = (asked.port, _CLIENT) if answer else (_CLIENT, asked.port)
    name = asked.protocol
    return {**head, "ip_proto": PROTOCOLS[name], f"{name}_src": ends[0], f"{name}_dst": ends[1]}


def opening(one: Port, other: Target, asked: Question, way: Way = direct) -> Fields:
    """The first packet of the connection that the packet is of."""
    begun = asked._replace(state="new")
    if asked.opened_by_other and isinstance(other, Port):
        return packet(other, one, begun, way)
    return packet(one, other, begun, way)


def headers(fields: Fields) -> Headers:
    """The same as a filter sees it."""
    number = int(fields.get("ip_proto", 0))
    kind = {0x0800: "IPv4", 0x86DD: "IPv6"}.get(int(fields["eth_type"]), f"{fields['eth_type']:#06x}")
    name = {number: name for name, number in PROTOCOLS.items()}.get(number, "")
    first = fields.get(f"{name}_src", fields.get("icmpv4_type", fields.get("icmpv6_type")))
    second = fields.get(f"{name}_dst", 0 if number in (1, 58) else None)
    address = "ipv6" if kind == "IPv6" else "ipv4"
    return Headers(
        kind, str(fields["eth_src"]), str(fields["eth_dst"]), str(fields.get(f"{address}_src", "")),
        str(fields.get(f"{address}_dst", "")), number or None, None if first is None else int(first),
        None if second is None else int(second),
    )  # fmt: skip


def _receiver(one: Port, other: Target, way: Way) -> Port:
    """The port that a frame to the other is for."""
    return other.first_hop if isinstance(other, Outside) else way(one, other) or other


def _addresses(end: Target) -> tuple[str, str]:
    """First IPv4 and IPv6 address, "" if none."""
    texts = [end.address] if isinstance(end, Outside) else [fixed.ip_address for fixed in end.fixed_ips]
    four = next((text for text in texts if ":" not in text), "")
    return four, next((text for text in texts if ":" in text), "")

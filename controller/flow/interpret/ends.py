"""What tells a connection from others: addresses, protocol, and ports or what stands for them."""

from __future__ import annotations

from ipaddress import ip_address
from typing import NamedTuple

from ..tracking import Nat
from .frame import Frame

_PORTS = {6: "tcp", 17: "udp"}  # SCTP's are not looked at (tried on 3.1)
# ICMP types that ask, and the type of the answer; those that report an error quote the packet that they are about
_ECHO = {1: {8: 0, 0: 8, 13: 14, 14: 13, 15: 16, 16: 15}, 58: {128: 129, 129: 128}}
_QUESTIONS = {1: (8, 13, 15), 58: (128,)}
_ERRORS = {1: (3, 4, 5, 11, 12), 58: (1, 2, 3, 4)}


class Ends(NamedTuple):
    """Of an ICMP question: its id as source port, its type as target port."""

    family: int
    source: int
    target: int
    protocol: int
    source_port: int
    target_port: int

    @property
    def reverse(self) -> Ends:
        """As packets in the other direction have it."""
        if self.protocol in _ECHO:
            back = _ECHO[self.protocol].get(self.target_port, self.target_port)
            return self._replace(source=self.target, target=self.source, target_port=back)
        return Ends(self.family, self.target, self.source, self.protocol, self.target_port, self.source_port)


def ends_of(frame: Frame, prefix: str = "") -> Ends | None:
    """Those of a frame, or with a prefix of the packet that it quotes; None for what is not tracked."""
    family = frame.get("eth_type", 0)
    version = {0x0800: "ipv4", 0x86DD: "ipv6"}.get(family)
    if version is None:
        return None
    source, target = frame.get(f"{prefix}{version}_src", 0), frame.get(f"{prefix}{version}_dst", 0)
    protocol = frame.get(f"{prefix}ip_proto", 0)
    if (name := _PORTS.get(protocol)) is not None:
        ports = frame.get(f"{prefix}{name}_src", 0), frame.get(f"{prefix}{name}_dst", 0)
    elif (kinds := _ECHO.get(protocol)) is not None:
        kind = frame.get(f"{prefix}{_icmp(protocol)}_type", 0)
        if kind not in kinds:
            return None
        ports = frame.get(f"{prefix}icmp_id", 0), kind
    else:
        ports = 0, 0
    return Ends(family, source, target, protocol, *ports)


def with_ends(frame: Frame, ends: Ends, prefix: str = "") -> Frame:
    """The fields of a frame that are others once it has these ends."""
    version = "ipv4" if ends.family == 0x0800 else "ipv6"
    wanted = {f"{prefix}{version}_src": ends.source, f"{prefix}{version}_dst": ends.target}
    if (name := _PORTS.get(ends.protocol)) is not None:
        wanted |= {f"{prefix}{name}_src": ends.source_port, f"{prefix}{name}_dst": ends.target_port}
    return {name: value for name, value in wanted.items() if frame.get(name, 0) != value}


def is_error(frame: Frame) -> bool:
    """Whether a frame is an ICMP error (RFC 792, RFC 4443), which belongs to the connection that it is about."""
    protocol = frame.get("ip_proto", 0)
    return protocol in _ERRORS and frame.get(f"{_icmp(protocol)}_type", 0) in _ERRORS[protocol]


def addresses_of(nat: Nat) -> range:
    """The addresses of a range, as numbers."""
    numbers = [int(ip_address(one)) for one in nat.addresses]
    return range(numbers[0], numbers[-1] + 1)


def asks(ends: Ends) -> bool:
    """Whether a packet may begin a connection: an answer of ICMP does not."""
    return ends.protocol not in _ECHO or ends.target_port in _QUESTIONS[ends.protocol]


def has_ports(ends: Ends) -> bool:
    return ends.protocol in _PORTS


def _icmp(protocol: int) -> str:
    return "icmpv4" if protocol == 1 else "icmpv6"

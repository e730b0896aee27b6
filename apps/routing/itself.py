"""Packets to a router's own addresses: echo requests are answered (RFC 792, RFC 4443), whichever network they are from.

The reply goes to the MAC that the request came from: the sender's, whose filter it passes like any packet to it, or
that of the router before, which routes it on.  Of a fragmented request each fragment is sent back: the first one's
checksum covers all, and the others have no type.  Fragments are tracked once more before that, only for being looked up
one by one: after conntrack has committed them, all go on with the actions of the last one to come.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Action, Field, Flow, ct, field, in_order, load, masked, move, pop, push, put
from controller.model.reader import Reader
from controller.model.rows import RouterInterface

from ..matches import ICMP, ICMPV6, IPV4, IPV6, RETURN
from ..pipeline import ECHO, ERRORS, FAULT, HIGH, HIGHEST, IN_KEY, ITSELF, OWN_ADDRESS, ROUTER, USUAL
from ..security.stages import LATER
from .interface import live

_FRAGMENT = masked("ip_frag", 1, 1)
_IPV6_FRAGMENT = field("ip_proto", 44)  # what Open vSwitch sees of later fragments of IPv6
_SWAP_MACS: tuple[Action, ...] = (push("eth_dst"), move("eth_src", "eth_dst"), pop("eth_src"))
_TTL = load("ip_ttl", 64)
_REQUEST = {4: (ICMP, field("icmpv4_type", 8)), 6: (ICMPV6, field("icmpv6_type", 128))}
_NO_CODE = {4: field("icmpv4_code", 0), 6: field("icmpv6_code", 0)}
_IS_REPLY = {4: put("icmpv4_type", 0), 6: put("icmpv6_type", 129)}
_LATER = {4: (ICMP, LATER), 6: (_IPV6_FRAGMENT, LATER)}


def router_interface(interface: RouterInterface, see: Reader) -> Iterator[Flow]:
    here = live(interface, see)
    if here is None:
        return
    one_by_one = (ct(IN_KEY.subfield, ECHO.number),)
    for address in here.answered:
        version = 6 if ":" in address else 4
        own = (IPV6 if version == 6 else IPV4, field(f"ipv{version}_dst", address), ROUTER.match(here.router))
        for fragment in ((*_REQUEST[version], _FRAGMENT), _LATER[version]):
            yield Flow(ITSELF, HIGHEST, in_order(*own, *fragment), one_by_one)
        yield Flow(ITSELF, HIGH, in_order(*own, *_REQUEST[version]), goto=ECHO)
        yield Flow(ITSELF, USUAL, in_order(*own), (FAULT.put(OWN_ADDRESS),), goto=ERRORS)
        yield from _answered(version, address, own)


def _answered(version: int, address: str, own: tuple[Field, ...]) -> Iterator[Flow]:
    back = (*_SWAP_MACS, move(f"ipv{version}_src", f"ipv{version}_dst"), put(f"ipv{version}_src", address), _TTL)
    asked = in_order(*own, *_REQUEST[version], _NO_CODE[version])
    yield Flow(ECHO, USUAL, asked, (*back, _IS_REPLY[version], *RETURN))
    yield Flow(ECHO, USUAL, in_order(*own, *_LATER[version]), (*back, *RETURN))


IN_ROUTER = {"router_interface": router_interface}

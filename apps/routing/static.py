"""What every switch does with routed packets, whatever routers there are."""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Flow, in_order, move
from controller.model.reader import Reader
from controller.model.rows import Switch

from ..matches import ICMPV6, IPV4, IPV6, TURN_BACK
from ..pipeline import ADVERTISE, HIGH, HOP, PERMITTED, USUAL
from ..source import NEIGHBOR_ADVERTISEMENT, among

# Addresses that no router forwards from or to, beside what is unspecified (RFC 1812, 5.3.7; RFC 4291, 2.5 and 2.7).
_NOT_FORWARDED_4 = ("127.0.0.0/8", "224.0.0.0/3")
_NOT_FORWARDED_6 = ("fe80::/10", "ff00::/8", "::1")


def switch(_: Switch, see: Reader) -> Iterator[Flow]:
    yield from FLOWS


def _flows() -> Iterator[Flow]:
    # no flow can set the option's MAC before the packet is an advertisement
    advertised = (IPV6, ICMPV6, NEIGHBOR_ADVERTISEMENT)
    yield Flow(ADVERTISE, USUAL, advertised, (move("eth_src", "nd_tll"), *TURN_BACK), goto=PERMITTED)
    for family, name, never, unspecified in (
        (IPV4, "ipv4", _NOT_FORWARDED_4, "0.0.0.0"), (IPV6, "ipv6", _NOT_FORWARDED_6, "::"),
    ):  # fmt: skip
        for address in never:
            yield Flow(HOP, HIGH, in_order(family, among(f"{name}_dst", address)))
        for address in (*never, unspecified):
            yield Flow(HOP, HIGH, in_order(family, among(f"{name}_src", address)))


FLOWS = tuple(_flows())
ON_SWITCH = {"switch": switch}

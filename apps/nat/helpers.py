"""Conntrack helpers of a router: connections that announce others (FTP, TFTP) are read, and those others are let in.

Open vSwitch has these two helpers only.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Field, Flow, Nat, ct, field, in_order
from controller.model.reader import Reader
from controller.model.rows import ConntrackHelper, Router

from ..matches import IPV4
from ..pipeline import DNAT_JUDGED, DNAT_TRACKED, HIGH, ROUTER, SNAT_JUDGED, SNAT_TRACKED
from .gateways import zone_of

PROTOCOLS = {"tcp": 6, "udp": 17}
HELPERS = ("ftp", "tftp")
_ANNOUNCED = field("ct_state", "+new+rel-inv+trk")


def read(at: tuple[Field, ...], new: Field, router: Router, nat: Nat, see: Reader) -> Iterator[Flow]:
    """New connections at `at` that a helper is to read are begun with `nat` as others are, and read."""
    table, onward = (SNAT_TRACKED, SNAT_JUDGED) if nat.side == "src" else (DNAT_TRACKED, DNAT_JUDGED)
    for helper in see.find(ConntrackHelper, "router_id", router.id):
        if helper.helper in HELPERS and helper.protocol in PROTOCOLS:
            of = (field("ip_proto", PROTOCOLS[helper.protocol]), field(f"{helper.protocol}_dst", helper.port))
            begun = ct(zone_of(router.number), onward.number, commit=True, nat=nat, alg=helper.helper)
            yield Flow(table, HIGH, in_order(*at, *of, new), (begun,))


def announced(router: Router, see: Reader) -> Iterator[Flow]:
    """Connections that were announced are translated as the tracker has learned."""
    if not see.find(ConntrackHelper, "router_id", router.id):
        return
    for table, onward in ((SNAT_TRACKED, SNAT_JUDGED), (DNAT_TRACKED, DNAT_JUDGED)):
        begun = ct(zone_of(router.number), onward.number, commit=True, nat=Nat())
        yield Flow(table, HIGH, in_order(IPV4, ROUTER.match(router.number), _ANNOUNCED), (begun,))

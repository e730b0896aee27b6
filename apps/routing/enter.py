"""Entrance of routers: frames from ports of this switch to the MAC of an interface in their network.

Frames from the fabric never enter: they have been routed where their sender is.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Flow, field, in_order
from controller.model.reader import Reader
from controller.model.rows import RouterInterface

from ..matches import UNTAGGED, from_here
from ..pipeline import ENTER, ITSELF, ROUTER, USUAL
from .interface import live


def router_interface(interface: RouterInterface, see: Reader) -> Iterator[Flow]:
    here = live(interface, see)
    if here is not None:
        match = in_order(field("eth_dst", here.mac), UNTAGGED, from_here(here.segment))
        yield Flow(ENTER, USUAL, match, (ROUTER.put(here.router),), goto=ITSELF)


IN_NETWORK = {"router_interface": router_interface}

"""Provider networks: frames for other switches leave by the patch port of the network's physical network.

They leave once, with the network's VLAN tag (IEEE 802.1Q) or without any (flat); frames from there with that tag are
the network's.  The physical network carries them between switches, without tunnel or label.  A frame that has a tag
already would be another VLAN's there, and is dropped.  What a router sends leaves with the MAC of the host: routers are
on every switch, and a physical switch is to see no MAC at two places.
"""

from __future__ import annotations

from collections.abc import Iterator

from apps.host_mac import host_mac
from apps.matches import UNTAGGED, entering, from_here
from apps.pipeline import CLASSIFY, FABRIC, HIGH, HIGHEST, ROUTED, USUAL
from controller.flow import Flow, field, in_order, output, pop_vlan, push_vlan, put
from controller.model.reader import Reader
from controller.model.rows import Network, Port, RouterInterface

PRESENT = 0x1000  # OFPVID_PRESENT
_SENT = HIGH + 10  # priority of what goes out, over what has a tag; below what routers send


def network(network: Network, see: Reader) -> Iterator[Flow]:
    if not network.physical_network:
        return
    segment, tag = network.segment, PRESENT | network.vlan
    yield Flow(FABRIC, HIGH, (from_here(segment),))
    me = see.switch()
    here = next((one for one in me.physical if one.network == network.physical_network), None) if me else None
    if me is None or here is None:
        return
    came = (field("in_port", here.ofport), field("vlan_vid", tag) if network.vlan else UNTAGGED)
    untag = (pop_vlan(),) if network.vlan else ()
    yield Flow(CLASSIFY, USUAL, came, untag, metadata=entering(segment, fabric=True), goto=ROUTED)
    # actions after this one see the frame untagged again
    tagged = (push_vlan(), put("vlan_vid", tag), output(here.ofport), pop_vlan()) if network.vlan else ()
    sent = tagged or (output(here.ofport),)
    yield Flow(FABRIC, _SENT, (UNTAGGED, from_here(segment)), sent)
    for mac in _routers(network, see):
        match = in_order(field("eth_src", mac), UNTAGGED, from_here(segment))
        yield Flow(FABRIC, HIGHEST, match, (put("eth_src", host_mac(me.number)), *sent, put("eth_src", mac)))


def _routers(network: Network, see: Reader) -> Iterator[str]:
    """The MACs that routers have in a network."""
    for interface in see.find(RouterInterface, "network_id", network.id):
        port = see.get(Port, interface.id)
        if port is not None:
            yield port.mac_address


ON_SWITCH = {"network": network}

"""Networks on a physical network: what is not for a port of this switch leaves by the patch port there, once, with the
network's VLAN tag (IEEE 802.1Q) or without any (flat); what comes in there so is the network's.

No tunnel and no label is used between switches for them: the physical network carries their frames.  A frame that has a
tag already would be another VLAN's there, and is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator

from apps.pipeline import CLASSIFY, FABRIC, FABRIC_BIT, HIGH, HIGHEST, LOCAL, UNTAGGED, USUAL, WHOLE, from_here
from controller.flow import Flow, field, output, pop_vlan, push_vlan, put
from controller.model.reader import Reader
from controller.model.rows import Network

PRESENT = 0x1000  # OFPVID_PRESENT


def network(network: Network, see: Reader) -> Iterator[Flow]:
    if not network.physical_network:
        return
    segment, tag = network.segment, PRESENT | network.vlan
    yield Flow(FABRIC, HIGH, (from_here(segment),))
    me = see.switch()
    here = next((one for one in me.physical if one.network == network.physical_network), None) if me else None
    if here is None:
        return
    came = (field("in_port", here.ofport), field("vlan_vid", tag) if network.vlan else UNTAGGED)
    untag = (pop_vlan(),) if network.vlan else ()
    yield Flow(CLASSIFY, USUAL, came, untag, metadata=(segment | FABRIC_BIT, WHOLE), goto=LOCAL)
    # what is done with the frame after this is done with it as it was
    tagged = (push_vlan(), put("vlan_vid", tag), output(here.ofport), pop_vlan()) if network.vlan else ()
    yield Flow(FABRIC, HIGHEST, (UNTAGGED, from_here(segment)), tagged or (output(here.ofport),))


HERE = {"network": network}

"""ARP responder: the asker's own switch answers broadcast requests for declared IPv4 addresses (RFC 826).

The request goes nowhere else.  A request sent to a station itself asks whether that is alive, so the station answers.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Flow, field, move, put
from controller.model.reader import Reader
from controller.model.rows import Network, Port

from .pipeline import ANSWER, ARP, BROADCAST, PERMITTED, TURN_BACK, UNTAGGED, USUAL, not_announced

REQUEST = field("arp_op", 1)
REPLY = (move("eth_src", "eth_dst"), move("arp_sha", "arp_tha"), move("arp_spa", "arp_tpa"), put("arp_op", 2))


def port(port: Port, see: Reader) -> Iterator[Flow]:
    network = see.view(Network, port.network_id)
    if port.learning or network is None or see.binding(port) is None:
        return
    mac = port.mac_address
    for fixed in port.fixed_ips:
        address = fixed.ip_address
        if ":" in address:
            continue
        asked = (BROADCAST, ARP, UNTAGGED, REQUEST, field("arp_tpa", address), not_announced(network.segment))
        said = (put("eth_src", mac), put("arp_sha", mac), put("arp_spa", address))
        yield Flow(ANSWER, USUAL, asked, REPLY + said + TURN_BACK, goto=PERMITTED)


IN_NETWORK = {"port": port}

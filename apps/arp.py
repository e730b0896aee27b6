"""ARP requests for declared addresses are answered by the asker's own switch: RFC 826, and the frame goes nowhere else.

Only broadcast requests are: a request sent to a station itself asks whether it is alive, and that it must answer
itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import IN_PORT, Flow, field, move, output, put
from controller.model.reader import Reader
from controller.model.rows import Network, Port

from .pipeline import ANSWER, ARP, BROADCAST, UNTAGGED, USUAL, from_here

_REQUEST = field("arp_op", 1)
_TURN = (move("eth_src", "eth_dst"), move("arp_sha", "arp_tha"), move("arp_spa", "arp_tpa"), put("arp_op", 2))
_BACK = output(IN_PORT)


def port(port: Port, see: Reader) -> Iterator[Flow]:
    if port.learning or see.binding(port) is None:
        return
    segment = see.attribute(Network, port.network_id, "segment")
    mac = port.mac_address
    for fixed in port.fixed_ips:
        address = fixed.ip_address
        if ":" in address:
            continue
        asked = (BROADCAST, ARP, UNTAGGED, _REQUEST, field("arp_tpa", address), from_here(segment))
        said = (put("eth_src", mac), put("arp_sha", mac), put("arp_spa", address), _BACK)
        yield Flow(ANSWER, USUAL, asked, _TURN + said)


EVERYWHERE = {"port": port}

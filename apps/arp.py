"""ARP responder: the asker's own switch answers broadcast requests for declared IPv4 addresses (RFC 826).

The request goes nowhere else.  A request sent to a station itself asks whether that is alive, so the station answers.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Action, Flow, field, move, pop, push, put
from controller.model.reader import Reader
from controller.model.rows import Network, Port

from .matches import ARP, BROADCAST, TURN_BACK, UNTAGGED, not_announced
from .pipeline import ANSWER, PERMITTED, USUAL

REQUEST = field("arp_op", 1)
_TO_ASKER = (move("eth_src", "eth_dst"), move("arp_sha", "arp_tha"))
_SAID = (
    move("eth_src", "arp_sha"), push("arp_tpa"), move("arp_spa", "arp_tpa"), pop("arp_spa"), put("arp_op", 2),
)  # fmt: skip


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
        yield Flow(ANSWER, USUAL, asked, reply(mac), goto=PERMITTED)


def reply(mac: str) -> tuple[Action, ...]:
    """Turn a request into the reply that its target is at `mac`, for the port that asked: of the actions one is the
    target's own, for there are as many of them as addresses.
    """
    return (*turned(mac), *TURN_BACK)


def turned(mac: str) -> tuple[Action, ...]:
    """The same reply, wherever it goes."""
    return (*_TO_ASKER, put("eth_src", mac), *_SAID)


IN_NETWORK = {"port": port}

"""DNS questions over UDP to the network's own resolver go to the service, from whatever port of a VM.

Parts of a datagram say no port but for the first; a question is never that long.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Flow, field, in_order
from controller.model.reader import Reader
from controller.model.rows import Network

from ..matches import IPV4, IPV6, UDP, from_here
from ..pipeline import ANSWER, HIGH, NAMES, SERVED, SERVICE
from .address import ADDRESS4, ADDRESS6, told

_TARGETS = {
    4: (IPV4, UDP, field("ipv4_dst", ADDRESS4), field("udp_dst", 53)),
    6: (IPV6, UDP, field("ipv6_dst", ADDRESS6), field("udp_dst", 53)),
}


def network(network: Network, see: Reader) -> Iterator[Flow]:
    for version in sorted({subnet.ip_version for subnet in told(network.id, see)}):
        asked = in_order(*_TARGETS[version], from_here(network.segment))
        yield Flow(ANSWER, HIGH, asked, (SERVICE.put(NAMES),), goto=SERVED)


IN_NETWORK = {"network": network}

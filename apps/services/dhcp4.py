"""DHCP for IPv4: clients' messages go to the service, by whatever address they are sent, and to nobody else.

Renewals are unicast to the server that gave the lease (RFC 2131, 4.3.2), which may have been another one than this.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Flow, field, in_order
from controller.model.reader import Reader
from controller.model.rows import Network

from ..matches import IPV4, UDP, from_here
from ..pipeline import ANSWER, DHCP4, HIGH, SERVED, SERVICE
from .address import told

_ASKED = (IPV4, UDP, field("udp_src", 68), field("udp_dst", 67))


def network(network: Network, see: Reader) -> Iterator[Flow]:
    if any(subnet.ip_version == 4 for subnet in told(network.id, see)):
        asked = in_order(*_ASKED, from_here(network.segment))
        yield Flow(ANSWER, HIGH, asked, (SERVICE.put(DHCP4),), goto=SERVED)


IN_NETWORK = {"network": network}

"""DHCPv6 of a network's ports (RFC 8415): all that clients send is for the network's own server, wherever it is sent.

It goes no further: no other port gets to see what one asks.  Of ports of this switch alone, as for IPv4: hosts outside,
on a physical network, may mean a server of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Flow, field, in_order
from controller.model.reader import Reader
from controller.model.rows import Network, Subnet

from ..matches import IPV6, UDP, UNTAGGED, from_here
from ..pipeline import ANSWER, DHCP6, HIGH, SERVED, SERVICE
from .address import told

STATEFUL, STATELESS = "dhcpv6-stateful", "dhcpv6-stateless"
CLIENT_PORT, SERVER_PORT = 546, 547


def served(subnet: Subnet) -> bool:
    """Whether ports with addresses of the subnet are told something by DHCPv6."""
    return subnet.enable_dhcp and subnet.address_mode in (STATEFUL, STATELESS)


def network(network: Network, see: Reader) -> Iterator[Flow]:
    if any(map(served, told(network.id, see))):
        asked = in_order(IPV6, UDP, field("udp_src", CLIENT_PORT), field("udp_dst", SERVER_PORT), UNTAGGED,
                         from_here(network.segment))  # fmt: skip
        yield Flow(ANSWER, HIGH, asked, (SERVICE.put(DHCP6),), goto=SERVED)


IN_NETWORK = {"network": network}

"""Address of a network's own services: the same in every network, answered for by the switch of whoever asks.

A frame for it is recognised by its IP address, whatever MAC it is sent to: a VM without a route to it uses its gateway.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Flow, field, in_order
from controller.model.reader import Reader
from controller.model.rows import Network, Subnet

from ..arp import REQUEST, reply
from ..matches import ARP, ICMPV6, IPV4, IPV6, UNTAGGED, of_network
from ..pipeline import ADVERTISE, ANSWER, HIGHEST, PERMITTED, USUAL
from ..routing.answers import SOLICITED, SOLICITED_OVERRIDE, TO_ASKER, advertisement
from ..source import NEIGHBOR_ADVERTISEMENT

MAC = "0a:54:4e:f0:00:01"  # of no hypervisor (apps/host_mac.py)
ADDRESS4, ADDRESS6 = "169.254.169.254", "fe80::a9fe:a9fe"  # link-local: RFC 3927, RFC 4291


def told(network_id: str, see: Reader) -> list[Subnet]:
    """The subnets of a network about which its ports are told: those with DHCP."""
    return [subnet for subnet in see.find(Subnet, "network_id", network_id) if subnet.enable_dhcp]


def network(network: Network, see: Reader) -> Iterator[Flow]:
    """Answers to ARP and to neighbour solicitations, and that no port sends from the address."""
    versions = {subnet.ip_version for subnet in told(network.id, see)}
    if not versions:
        return
    segment = of_network(network.segment)
    if 4 in versions:
        asked = in_order(ARP, UNTAGGED, REQUEST, field("arp_tpa", ADDRESS4), segment)
        yield Flow(ANSWER, USUAL, asked, reply(MAC), goto=PERMITTED)
        yield Flow(ANSWER, HIGHEST, in_order(ARP, field("arp_spa", ADDRESS4), segment))
        yield Flow(ANSWER, HIGHEST, in_order(IPV4, field("ipv4_src", ADDRESS4), segment))
    if 6 in versions:
        target = field("nd_target", ADDRESS6)
        asked = in_order(*SOLICITED, UNTAGGED, target, segment)
        yield Flow(ANSWER, USUAL, asked, (*TO_ASKER, *advertisement(MAC, ADDRESS6, SOLICITED_OVERRIDE)), goto=ADVERTISE)
        yield Flow(ANSWER, HIGHEST, in_order(IPV6, ICMPV6, NEIGHBOR_ADVERTISEMENT, target, segment))
        yield Flow(ANSWER, HIGHEST, in_order(IPV6, field("ipv6_src", ADDRESS6), segment))


IN_NETWORK = {"network": network}

"""Packet library of the OpenFlow framework, under one name: os-ken's or ryu's (make test-ryu)."""

from __future__ import annotations

try:
    from os_ken.lib.packet import arp, ethernet, icmp, icmpv6, ipv4, ipv6, packet, sctp, tcp, udp
except ModuleNotFoundError:
    from ryu.lib.packet import arp, ethernet, icmp, icmpv6, ipv4, ipv6, packet, sctp, tcp, udp

__all__ = ["arp", "ethernet", "icmp", "icmpv6", "ipv4", "ipv6", "packet", "sctp", "tcp", "udp"]

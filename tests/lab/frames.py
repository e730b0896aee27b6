"""Frames made by hand, byte by byte, right or wrong as asked."""

from __future__ import annotations

import ipaddress
import struct

BROADCAST = "ff:ff:ff:ff:ff:ff"
IPV4, ARP, IPV6, VLAN, QINQ, MPLS, LLDP = 0x0800, 0x0806, 0x86DD, 0x8100, 0x88A8, 0x8847, 0x88CC
ICMP, UDP, GRE = 1, 17, 47


def mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def address(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


def ethernet(to: str, source: str, kind: int, payload: bytes) -> bytes:
    """An Ethernet II frame, padded to 60 bytes."""
    return (mac(to) + mac(source) + struct.pack("!H", kind) + payload).ljust(60, b"\0")


def tagged(frame: bytes, vlan: int, kind: int = VLAN) -> bytes:
    """The same frame with a VLAN tag (802.1Q; 802.1ad with kind=QINQ)."""
    return frame[:12] + struct.pack("!HH", kind, vlan) + frame[12:]


def labelled(frame: bytes, *labels: int) -> bytes:
    """The same frame with MPLS labels, outermost first (RFC 3032)."""
    entries = b"".join(
        struct.pack("!I", label << 12 | (number == len(labels) - 1) << 8 | 64) for number, label in enumerate(labels)
    )
    return frame[:12] + struct.pack("!H", MPLS) + entries + frame[14:]


def arp(
    operation: int, source_mac: str, source_ip: str, target_ip: str, target_mac: str = "00:00:00:00:00:00"
) -> bytes:
    """ARP for IPv4 over Ethernet (RFC 826): operation 1 asks, 2 answers."""
    head = struct.pack("!HHBBH", 1, IPV4, 6, 4, operation)
    return head + mac(source_mac) + address(source_ip) + mac(target_mac) + address(target_ip)


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    data += b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(source: str, to: str, protocol: int, payload: bytes) -> bytes:
    head = (
        struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0x4000, 64, protocol, 0) + address(source) + address(to)
    )
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ipv6(source: str, to: str, protocol: int, payload: bytes) -> bytes:
    return struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + address(source) + address(to) + payload


def echo_request(number: int = 1, payload: bytes = b"tenet") -> bytes:
    """An ICMP echo request."""
    body = struct.pack("!HH", 0x7E7, number) + payload
    return struct.pack("!BBH", 8, 0, checksum(b"\x08\0\0\0" + body)) + body


def udp(source: int, to: int, payload: bytes) -> bytes:
    """A UDP datagram without checksum, which IPv4 allows."""
    return struct.pack("!HHHH", source, to, 8 + len(payload), 0) + payload


def tcp_syn(source_ip: str, to_ip: str, source: int, to: int) -> bytes:
    head = struct.pack("!HHIIBBHHH", source, to, 1, 0, 5 << 4, 2, 65535, 0, 0)
    pseudo = address(source_ip) + address(to_ip) + struct.pack("!BBH", 0, 6, len(head))
    return head[:16] + struct.pack("!H", checksum(pseudo + head)) + head[18:]


def vxlan(key: int, frame: bytes) -> bytes:
    """What VXLAN puts into UDP port 4789 (RFC 7348)."""
    return struct.pack("!II", 0x08000000, key << 8) + frame


def geneve(key: int, frame: bytes) -> bytes:
    """What Geneve puts into UDP port 6081 (RFC 8926)."""
    return struct.pack("!HHI", 0, 0x6558, key << 8) + frame


def gre(key: int, frame: bytes) -> bytes:
    """A GRE payload with a key that carries Ethernet (RFC 2890)."""
    return struct.pack("!HHI", 0x2000, 0x6558, key) + frame

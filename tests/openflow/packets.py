"""Frames as bytes and back, with the checksums that conntrack verifies."""

from __future__ import annotations

import struct
from ipaddress import ip_address
from typing import Any

from controller.flow.fields import FIELDS, text
from controller.flow.interpret import Frame
from controller.flow.interpret.frame import INNER
from tests.os_packets import ethernet, icmp, icmpv6, ipv4, ipv6, packet, sctp, tcp, udp

TTL = 77  # of a frame that does not say it


def packed(frame: Frame) -> bytes:
    """A frame's bytes."""
    made = packet.Packet()
    made.add_protocol(ethernet.ethernet(_said(frame, "eth_dst"), _said(frame, "eth_src"), frame["eth_type"]))
    if "ip_proto" in frame:
        for layer in _layers(frame, ""):
            made.add_protocol(layer)
    else:
        made.add_protocol(bytes(46))
    made.serialize()
    return bytes(made.data)


def unpacked(data: bytes) -> Frame:
    """The fields of a frame's bytes that `packed` can write, those that are 0 left out."""
    found: Frame = {}
    read = packet.Packet(data)
    for layer in read.protocols:
        if isinstance(layer, ethernet.ethernet):
            found |= {"eth_dst": _mac(layer.dst), "eth_src": _mac(layer.src), "eth_type": layer.ethertype}
        elif not isinstance(layer, bytes | bytearray):
            found |= _fields(layer, found["eth_type"], "")
    return {name: value for name, value in found.items() if value}


def fragmented(data: bytes, size: int) -> list[bytes]:
    """An IPv4 frame in fragments (RFC 791, 3.2) that carry `size` bytes each, a multiple of 8."""
    ethernet_, header, payload = data[:14], data[14:34], data[34:]
    found = []
    for start in range(0, len(payload), size):
        part = payload[start : start + size]
        more = 0x2000 if start + size < len(payload) else 0
        said = header[:2] + struct.pack("!HHH", 20 + len(part), 7, more | start // 8) + header[8:10] + bytes(2)
        said += header[12:]
        total = sum(struct.unpack("!10H", said))
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        found.append(ethernet_ + said[:10] + struct.pack("!H", total ^ 0xFFFF) + said[12:] + part)
    return found


def _layers(frame: Frame, prefix: str) -> list[Any]:
    four, protocol = frame["eth_type"] == 0x0800, frame[f"{prefix}ip_proto"]
    version = "ipv4" if four else "ipv6"
    source, target = _said(frame, f"{version}_src", prefix), _said(frame, f"{version}_dst", prefix)
    ttl = frame.get(f"{prefix}ip_ttl", TTL)
    outer = (
        ipv4.ipv4(src=source, dst=target, proto=protocol, ttl=ttl, identification=7)
        if four
        else ipv6.ipv6(src=source, dst=target, nxt=protocol, hop_limit=ttl)
    )
    return [outer, *_transport(frame, prefix, protocol)]


def _transport(frame: Frame, prefix: str, protocol: int) -> list[Any]:
    def of(name: str) -> int:
        return frame.get(f"{prefix}{name}", 0)

    if protocol == 17:
        headers = 14 + (20 if frame["eth_type"] == 0x0800 else 40) + 8
        return [udp.udp(of("udp_src"), of("udp_dst")), bytes(max(4, frame.get("length", 0) - headers))]
    if protocol == 6:
        return [tcp.tcp(of("tcp_src"), of("tcp_dst"), of("tcp_seq"), of("tcp_ack"), 0, of("tcp_flags"), 4096)]
    if protocol == 132:
        chunk = sctp.chunk_init(init_tag=1, a_rwnd=1500, os=1, mis=1, i_tsn=1)
        return [sctp.sctp(of("sctp_src"), of("sctp_dst"), 0, chunks=[chunk])]
    if protocol not in (1, 58):
        return [bytes(8)]
    kind = of("icmpv4_type" if protocol == 1 else "icmpv6_type")
    quoted = frame.get(f"{INNER}ip_proto")
    if quoted is None:
        echo = icmp.echo(of("icmp_id"), 1, b"data") if protocol == 1 else icmpv6.echo(of("icmp_id"), 1, b"data")
        return [icmp.icmp(kind, 0, data=echo) if protocol == 1 else icmpv6.icmpv6(kind, 0, data=echo)]
    inner = packet.Packet()
    for layer in _layers(frame, INNER):
        inner.add_protocol(layer)
    inner.serialize()
    if protocol == 58:
        return [icmpv6.icmpv6(kind, 4, data=bytes(4) + bytes(inner.data))]
    return [icmp.icmp(kind, 3, data=icmp.dest_unreach(data=bytes(inner.data)))]


def _fields(layer: Any, family: int, prefix: str) -> Frame:
    version = "ipv4" if family == 0x0800 else "ipv6"
    found: Frame = {}
    if isinstance(layer, ipv4.ipv4 | ipv6.ipv6):
        found = {f"{version}_src": _address(layer.src), f"{version}_dst": _address(layer.dst)}
        ttl = layer.ttl if isinstance(layer, ipv4.ipv4) else layer.hop_limit
        found["ip_ttl"] = 0 if ttl == TTL else ttl
        found["ip_proto"] = layer.proto if isinstance(layer, ipv4.ipv4) else layer.nxt
    elif isinstance(layer, udp.udp):
        found = {"udp_src": layer.src_port, "udp_dst": layer.dst_port}
    elif isinstance(layer, tcp.tcp):
        found = {"tcp_src": layer.src_port, "tcp_dst": layer.dst_port, "tcp_flags": layer.bits}
        found |= {"tcp_seq": layer.seq, "tcp_ack": layer.ack}
    elif isinstance(layer, sctp.sctp):
        found = {"sctp_src": layer.src_port, "sctp_dst": layer.dst_port}
    elif isinstance(layer, icmp.icmp):
        found = {"icmpv4_type": layer.type}
        if isinstance(layer.data, icmp.echo):
            found["icmp_id"] = layer.data.id
        elif layer.data is not None and layer.data.data:
            quoted, kind, rest = ipv4.ipv4.parser(layer.data.data)
            below = kind.parser(rest)[0]
            for one in (quoted, below):
                found |= {INNER + name: value for name, value in _fields(one, family, "").items()}
    elif isinstance(layer, icmpv6.icmpv6):
        found = {"icmpv6_type": layer.type_}
        if isinstance(layer.data, icmpv6.echo):
            found["icmp_id"] = layer.data.id
    return {prefix + name: value for name, value in found.items()}


def _said(frame: Frame, name: str, prefix: str = "") -> str:
    return text(name, frame.get(prefix + name, 0).to_bytes(FIELDS[name].size, "big"))


def _mac(said: str) -> int:
    return int(said.replace(":", ""), 16)


def _address(said: str) -> int:
    return int(ip_address(said))

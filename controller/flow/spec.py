"""The table of match fields: OpenFlow 1.3.5 section 7.2.3.7 (OXM), and Nicira's extended match (meta-flow.h of OVS).

Everything else follows from a field's line: its bytes, its text, where it stands in a match, what becomes of it in the
interpreter.  The lines are in the order in which Open vSwitch writes a match (nx_put_raw of nx-match.c): a flow's
cookie is a digest of what the switch dumps, so matches are written in this order.
"""

from __future__ import annotations

from typing import NamedTuple

OXM, ONF, REGISTERS, ERICSSON, NXM_OF, NXM = 0x8000, 0xFFFF, 0x8001, 0x1000, 0x0000, 0x0001

FRAME, TUNNEL, SWITCH, TRACKED = "frame", "tunnel", "switch", "tracked"


class FieldSpec(NamedTuple):
    """One field.

    `form`: how a value is written (values.py).  `home`: what it is a part of: the frame, its tunnel header, the switch
    (lost when a packet leaves) or the connection that it belongs to (lost at the next table that is no answer to ct).
    `needs`: what a match must say before it may name the field, as NEEDS has it.
    `match`, `target`: its names in a printed match and as what is set, where they are others than `name`.
    `nicira`: how moves and loads name it, where not by its own class and number: class, number, name.
    `parts`: the fields that it is made of, most significant first; such a one cannot be matched, its parts can.
    """

    name: str
    bits: int
    oxm_class: int
    number: int
    form: str
    home: str = FRAME
    needs: str = ""
    match: str = ""
    target: str = ""
    nicira: tuple[int, int, str] = (0, 0, "")
    parts: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of a value on the wire: 1, 2, 4, 6, 8 or 16."""
        octets = (self.bits + 7) // 8
        return (
            4 if octets == 3 or self.name == "in_port" else octets
        )  # a port's number: 16 bits of OVS in OpenFlow's 32

    @property
    def long(self) -> str:
        """How moves and loads name it in print."""
        return self.nicira[2] or f"{'OXM_OF' if self.oxm_class == OXM else 'NXM_NX'}_{self.name.upper()}"


# What a match must say before it may name a field: alternatives, each a set of (field, value).
_IPV4, _IPV6 = ("eth_type", 0x0800), ("eth_type", 0x86DD)
NEEDS: dict[str, tuple[frozenset[tuple[str, int]], ...]] = {
    "ip": (frozenset({_IPV4}), frozenset({_IPV6})),
    "ipv4": (frozenset({_IPV4}),),
    "ipv6": (frozenset({_IPV6}),),
    "arp": (frozenset({("eth_type", 0x0806)}), frozenset({("eth_type", 0x8035)})),
    "mpls": (frozenset({("eth_type", 0x8847)}), frozenset({("eth_type", 0x8848)})),
    "tcp": (frozenset({_IPV4, ("ip_proto", 6)}), frozenset({_IPV6, ("ip_proto", 6)})),
    "udp": (frozenset({_IPV4, ("ip_proto", 17)}), frozenset({_IPV6, ("ip_proto", 17)})),
    "sctp": (frozenset({_IPV4, ("ip_proto", 132)}), frozenset({_IPV6, ("ip_proto", 132)})),
    "icmp": (frozenset({_IPV4, ("ip_proto", 1)}),),
    "icmp6": (frozenset({_IPV6, ("ip_proto", 58)}),),
    "ct_port": tuple(
        frozenset({family, ("ct_nw_proto", protocol)}) for family in (_IPV4, _IPV6) for protocol in (1, 6, 17, 58, 132)
    ),
    "vlan": (frozenset({("vlan_vid", 0x1000)}),),  # any tag: that bit of vlan_vid
    "nd": tuple(frozenset({_IPV6, ("ip_proto", 58), ("icmpv6_type", kind)}) for kind in (135, 136)),
    "ns": (frozenset({_IPV6, ("ip_proto", 58), ("icmpv6_type", 135)}),),
    "na": (frozenset({_IPV6, ("ip_proto", 58), ("icmpv6_type", 136)}),),
}  # fmt: skip


def _register(number: int) -> FieldSpec:
    return FieldSpec(f"reg{number}", 32, NXM, number, "hex", SWITCH)


_Spec = FieldSpec
SPECS: tuple[FieldSpec, ...] = (
    _Spec("conj_id", 32, NXM, 37, "decimal", SWITCH),
    _Spec("in_port", 16, OXM, 0, "decimal", SWITCH, nicira=(NXM_OF, 0, "NXM_OF_IN_PORT")),
    _Spec("eth_src", 48, OXM, 4, "mac", match="dl_src", nicira=(NXM_OF, 2, "NXM_OF_ETH_SRC")),
    _Spec("eth_dst", 48, OXM, 3, "mac", match="dl_dst", nicira=(NXM_OF, 1, "NXM_OF_ETH_DST")),
    _Spec("eth_type", 16, OXM, 5, "hex4", match="dl_type", nicira=(NXM_OF, 3, "NXM_OF_ETH_TYPE")),
    _Spec("vlan_vid", 13, OXM, 6, "vlan", match="dl_vlan"),
    _Spec("vlan_pcp", 3, OXM, 7, "decimal", FRAME, "vlan", "dl_vlan_pcp", "vlan_pcp"),
    _Spec("mpls_tc", 3, OXM, 35, "decimal", needs="mpls"),
    _Spec("mpls_bos", 1, OXM, 36, "decimal", needs="mpls"),
    _Spec("mpls_ttl", 8, NXM, 30, "decimal", needs="mpls"),
    _Spec("mpls_label", 20, OXM, 34, "decimal", needs="mpls"),
    _Spec("ipv4_src", 32, OXM, 11, "ipv4", FRAME, "ipv4", "nw_src", "ip_src", (NXM_OF, 7, "NXM_OF_IP_SRC")),
    _Spec("ipv4_dst", 32, OXM, 12, "ipv4", FRAME, "ipv4", "nw_dst", "ip_dst", (NXM_OF, 8, "NXM_OF_IP_DST")),
    _Spec("ipv6_src", 128, OXM, 26, "ipv6", FRAME, "ipv6", nicira=(NXM, 19, "NXM_NX_IPV6_SRC")),
    _Spec("ipv6_dst", 128, OXM, 27, "ipv6", FRAME, "ipv6", nicira=(NXM, 20, "NXM_NX_IPV6_DST")),
    _Spec("ip_frag", 2, NXM, 26, "fragment", FRAME, "ip", "nw_frag"),
    _Spec("ip_dscp", 6, OXM, 8, "dscp", FRAME, "ip", "nw_tos"),
    _Spec("ip_ecn", 2, OXM, 9, "decimal", FRAME, "ip", "nw_ecn", "nw_ecn", (NXM, 28, "NXM_NX_IP_ECN")),
    _Spec("ip_ttl", 8, NXM, 29, "decimal", FRAME, "ip", "nw_ttl", "nw_ttl"),
    _Spec("ipv6_label", 20, OXM, 28, "hex5", FRAME, "ipv6", nicira=(NXM, 27, "NXM_NX_IPV6_LABEL")),
    _Spec("ip_proto", 8, OXM, 10, "decimal", FRAME, "ip", "nw_proto", "nw_proto", (NXM_OF, 6, "NXM_OF_IP_PROTO")),
    _Spec("tcp_src", 16, OXM, 13, "port", FRAME, "tcp", "tp_src", nicira=(NXM_OF, 9, "NXM_OF_TCP_SRC")),
    _Spec("tcp_dst", 16, OXM, 14, "port", FRAME, "tcp", "tp_dst", nicira=(NXM_OF, 10, "NXM_OF_TCP_DST")),
    _Spec("tcp_flags", 12, ONF, 42, "tcp_flags", FRAME, "tcp", nicira=(NXM, 34, "NXM_NX_TCP_FLAGS")),
    _Spec("udp_src", 16, OXM, 15, "port", FRAME, "udp", "tp_src", nicira=(NXM_OF, 11, "NXM_OF_UDP_SRC")),
    _Spec("udp_dst", 16, OXM, 16, "port", FRAME, "udp", "tp_dst", nicira=(NXM_OF, 12, "NXM_OF_UDP_DST")),
    _Spec("sctp_src", 16, OXM, 17, "port", FRAME, "sctp", "tp_src"),
    _Spec("sctp_dst", 16, OXM, 18, "port", FRAME, "sctp", "tp_dst"),
    _Spec("icmpv4_type", 8, OXM, 19, "decimal", FRAME, "icmp", "icmp_type", "icmp_type",
          (NXM_OF, 13, "NXM_OF_ICMP_TYPE")),
    _Spec("icmpv4_code", 8, OXM, 20, "decimal", FRAME, "icmp", "icmp_code", "icmp_code",
          (NXM_OF, 14, "NXM_OF_ICMP_CODE")),
    _Spec("icmpv6_type", 8, OXM, 29, "decimal", FRAME, "icmp6", "icmp_type", nicira=(NXM, 21, "NXM_NX_ICMPV6_TYPE")),
    _Spec("icmpv6_code", 8, OXM, 30, "decimal", FRAME, "icmp6", "icmp_code", nicira=(NXM, 22, "NXM_NX_ICMPV6_CODE")),
    _Spec("nd_reserved", 32, ERICSSON, 1, "decimal", FRAME, "nd"),
    _Spec("nd_target", 128, OXM, 31, "ipv6", FRAME, "nd", nicira=(NXM, 23, "NXM_NX_ND_TARGET")),
    _Spec("nd_options_type", 8, ERICSSON, 2, "decimal", FRAME, "nd"),
    _Spec("nd_sll", 48, OXM, 32, "mac", FRAME, "ns", nicira=(NXM, 24, "NXM_NX_ND_SLL")),
    _Spec("nd_tll", 48, OXM, 33, "mac", FRAME, "na", nicira=(NXM, 25, "NXM_NX_ND_TLL")),
    _Spec("arp_op", 16, OXM, 21, "decimal", FRAME, "arp", nicira=(NXM_OF, 15, "NXM_OF_ARP_OP")),
    _Spec("arp_spa", 32, OXM, 22, "ipv4", FRAME, "arp", nicira=(NXM_OF, 16, "NXM_OF_ARP_SPA")),
    _Spec("arp_tpa", 32, OXM, 23, "ipv4", FRAME, "arp", nicira=(NXM_OF, 17, "NXM_OF_ARP_TPA")),
    _Spec("arp_sha", 48, OXM, 24, "mac", FRAME, "arp", nicira=(NXM, 17, "NXM_NX_ARP_SHA")),
    _Spec("arp_tha", 48, OXM, 25, "mac", FRAME, "arp", nicira=(NXM, 18, "NXM_NX_ARP_THA")),
    _Spec("tun_id", 64, OXM, 38, "hex", TUNNEL, nicira=(NXM, 16, "NXM_NX_TUN_ID")),
    _Spec("tun_src", 32, NXM, 31, "ipv4", TUNNEL, nicira=(NXM, 31, "NXM_NX_TUN_IPV4_SRC")),
    _Spec("tun_dst", 32, NXM, 32, "ipv4", TUNNEL, nicira=(NXM, 32, "NXM_NX_TUN_IPV4_DST")),
    _Spec("tun_ipv6_src", 128, NXM, 109, "ipv6", TUNNEL),
    _Spec("tun_ipv6_dst", 128, NXM, 110, "ipv6", TUNNEL),
    *map(_register, range(16)),
    _Spec("pkt_mark", 32, NXM, 33, "hex", SWITCH),
    _Spec("ct_state", 32, NXM, 105, "ct_state", TRACKED),
    _Spec("ct_zone", 16, NXM, 106, "decimal", TRACKED),
    _Spec("ct_mark", 32, NXM, 107, "hex", TRACKED),
    _Spec("ct_label", 128, NXM, 108, "hex", TRACKED),
    _Spec("ct_nw_src", 32, NXM, 120, "ipv4", TRACKED, "ipv4"),
    _Spec("ct_nw_dst", 32, NXM, 121, "ipv4", TRACKED, "ipv4"),
    _Spec("ct_ipv6_src", 128, NXM, 122, "ipv6", TRACKED, "ipv6"),
    _Spec("ct_ipv6_dst", 128, NXM, 123, "ipv6", TRACKED, "ipv6"),
    _Spec("ct_nw_proto", 8, NXM, 119, "decimal", TRACKED, "ip"),
    _Spec("ct_tp_src", 16, NXM, 124, "port", TRACKED, "ct_port"),
    _Spec("ct_tp_dst", 16, NXM, 125, "port", TRACKED, "ct_port"),
    _Spec("metadata", 64, OXM, 2, "hex", SWITCH),
    # from here on: parts under one name, for actions
    *(_Spec(f"xreg{n}", 64, REGISTERS, n, "hex", SWITCH, nicira=(REGISTERS, n, f"OXM_OF_PKT_REG{n}"),
            parts=(f"reg{2 * n}", f"reg{2 * n + 1}")) for n in range(8)),
    *(_Spec(f"xxreg{n}", 128, NXM, 111 + n, "hex", SWITCH,
            parts=tuple(f"reg{4 * n + part}" for part in range(4))) for n in range(4)),
)  # fmt: skip

"""The whole pipeline on one page: every table in packet order, what it may match and where it leads.

What travels with a packet:

  metadata bits 0..23   segment: the network's data plane id, which is also the VNI on a tunnel
  metadata bit 32       FABRIC: the frame came from another switch, so it is never sent to one again (split horizon)
  reg7                  the OpenFlow port that it is to leave by
  reg8                  the number of the switch that it is to go to
  reg9                  which block of a flood is meant; over links, the lane of a frame or the TTL that it came with

Tables marked *everywhere* hold flows that are the same on every switch of a network and match its segment; the others
hold a switch's own flows.  No table holds both, so the two can never want the same flow differently.  Where a packet
goes that no flow of a table matches is a property of the table (`miss`; none: dropped) and a flow of every switch.
"""

from __future__ import annotations

from controller.flow import Field, Table, field, masked


def _table(number: int, name: str, matches: str, goto: str = "", miss: str = "", everywhere: bool = False) -> Table:
    return Table(
        number,
        name,
        frozenset(matches.split()),
        (*goto.split(), *miss.split()),
        miss,
        "network" if everywhere else "switch",
    )


# --- which network and port is a frame from ---
CLASSIFY = _table(
    0, "classify", "in_port vlan_vid eth_src eth_dst eth_type tun_src tun_ipv6_src tun_id",
    "labelled arrive neighbor declared learn local",
)  # fmt: skip
LABELLED = _table(3, "labelled", "eth_type mpls_label", "arrive", miss="forward")
ARRIVE = _table(5, "arrive", "tun_id", "local", everywhere=True)

# --- may this port send this source address ---
NEIGHBOR = _table(
    10, "neighbor", "in_port eth_src eth_type ipv6_src ip_proto icmpv6_type nd_target", "local learn", miss="source"
)  # fmt: skip
SOURCE = _table(
    15, "source", "in_port eth_src eth_type ipv4_src ipv4_dst ipv6_src ip_proto udp_src udp_dst icmpv6_type "
    "arp_sha arp_spa arp_tpa", "answer local learn"
)  # fmt: skip
DECLARED = _table(
    20, "declared", "metadata eth_src eth_type arp_spa ipv4_src ipv6_src ip_proto icmpv6_type nd_target",
    miss="learn", everywhere=True,
)  # fmt: skip

# --- where an address without a declared owner lives ---
LEARN = _table(25, "learn", "in_port eth_src", "answer")

# --- answered at the edge ---
ANSWER = _table(30, "answer", "metadata eth_dst eth_type vlan_vid arp_op arp_tpa", miss="local", everywhere=True)

# --- destination address to local port, remote switch, or every member of the network ---
LOCAL = _table(40, "local", "metadata eth_dst", "permit flood limit", miss="remote")
FLOOD = _table(45, "flood", "metadata reg9", "permit")  # entered by resubmit only
REMOTE = _table(50, "remote", "metadata eth_dst", "fabric spread unknown limit", everywhere=True)
SPREAD = _table(55, "spread", "metadata reg9", "fabric", everywhere=True)  # entered by resubmit only
UNKNOWN = _table(60, "unknown", "metadata", "flood")
LIMIT = _table(65, "limit", "in_port")  # entered by resubmit only

# --- may this port receive it; out of the local port ---
PERMIT = _table(70, "permit", "reg7")

# --- over the fabric to another switch ---
FABRIC = _table(90, "fabric", "vlan_vid reg8 metadata", "impose")

# --- over links: labels on, and on to the next switch (docs/decisions/0030-wired-fabric.md) ---
IMPOSE = _table(92, "impose", "metadata", "forward")
FORWARD = _table(95, "forward", "eth_type mpls_tc mpls_label reg9")

TABLES = (
    CLASSIFY, LABELLED, ARRIVE, NEIGHBOR, SOURCE, DECLARED, LEARN, ANSWER,
    LOCAL, FLOOD, REMOTE, SPREAD, UNKNOWN, LIMIT, PERMIT, FABRIC, IMPOSE, FORWARD,
)  # fmt: skip

# --- priorities: a miss, what gives way, the usual, what overrides it ---
MISS, LOW, LEARNED, USUAL, HIGH, HIGHEST = 0, 50, 80, 100, 110, 200

FABRIC_BIT = 1 << 32
SEGMENT_MASK = 0x00FFFFFF
WHOLE = (1 << 64) - 1

MULTICAST = masked("eth_dst", "01:00:00:00:00:00", "01:00:00:00:00:00")
MULTICAST_SOURCE = masked("eth_src", "01:00:00:00:00:00", "01:00:00:00:00:00")
BROADCAST = field("eth_dst", "ff:ff:ff:ff:ff:ff")
UNTAGGED = field("vlan_vid", 0)
IPV4, ARP, IPV6 = field("eth_type", 0x0800), field("eth_type", 0x0806), field("eth_type", 0x86DD)
UDP, ICMPV6 = field("ip_proto", 17), field("ip_proto", 58)

LEARNERS = 1 << 31  # in reg9: of the block, the learning ports (or the switches that hold some) only


def of_network(segment: int) -> Field:
    """A frame of the network, from a port of this switch or from the fabric."""
    return masked("metadata", segment, SEGMENT_MASK)


def from_here(segment: int) -> Field:
    """A frame of the network that came from a port of this switch."""
    return field("metadata", segment)


def from_fabric(segment: int) -> Field:
    return field("metadata", segment | FABRIC_BIT)

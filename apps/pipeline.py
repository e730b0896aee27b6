"""The pipeline on one page: its stages, their tables, and the bits that travel with a packet.

Apps name the *stage* that a packet goes on to, as the state that it is in then (ADMITTED, ANSWERED, ...); which table
that is, only this page knows.  Table numbers go in steps of eight: the gaps are for the stages to come.

Tables of networks' flow sets hold flows that are the same on every switch of a network with its segment; the others
hold a switch's own flows.  No table holds both, so the two can never want the same flow differently.  Where a packet
goes that no flow of a table matches is a property of the table (`miss`; none: dropped) and a flow of every switch.
"""

from __future__ import annotations

from functools import lru_cache

from controller.flow import Action, Field, Table, field, load, masked
from controller.flow.bits import Bits, together
from controller.flow.fields import MEMO


def _table(number: int, name: str, matches: str, goto: str = "", miss: str = "", flow_set: str = "switch") -> Table:
    return Table(
        number,
        name,
        frozenset(matches.split()),
        (*goto.split(), *miss.split()),
        miss,
        flow_set,
    )


# --- classify: OpenFlow port to logical port and network; the only table that knows OpenFlow ports on the way in ---
CLASSIFY = _table(
    0, "classify", "in_port vlan_vid eth_src eth_dst eth_type tun_src tun_ipv6_src tun_id",
    "labelled arrive neighbor declared learn local",
)  # fmt: skip
LABELLED = _table(8, "labelled", "eth_type mpls_label", "arrive", miss="forward")
ARRIVE = _table(16, "arrive", "tun_id", "local", flow_set="network")

# --- admit: may this port send this source address; where does an address without a declared owner live ---
NEIGHBOR = _table(
    24, "neighbor", "reg6 eth_src eth_type ipv6_src ip_proto icmpv6_type nd_target", "answer learn", miss="source"
)  # fmt: skip
SOURCE = _table(
    32, "source", "reg6 eth_src eth_type ipv4_src ipv4_dst ipv6_src ip_proto udp_src udp_dst icmpv6_type "
    "arp_sha arp_spa arp_tpa", "answer learn"
)  # fmt: skip
DECLARED = _table(
    40, "declared", "metadata eth_src eth_type arp_spa ipv4_src ipv6_src ip_proto icmpv6_type nd_target",
    miss="learn", flow_set="network",
)  # fmt: skip
LEARN = _table(48, "learn", "reg6 eth_src", "answer")

# --- egress (56 to 72, to come): the sender's filters ---

# --- serve: answered at the edge ---
ANSWER = _table(
    80, "answer", "metadata eth_dst eth_type vlan_vid arp_op arp_tpa", "deliver", miss="local", flow_set="network"
)  # fmt: skip

# --- route (104 to 120, to come): frames to a router, and the next hop's address ---

# --- forward: destination address to local port, other switch, or every member of the network ---
LOCAL = _table(128, "local", "metadata eth_dst", "permit flood limit", miss="remote")
FLOOD = _table(136, "flood", "metadata reg9", "permit deliver")  # entered by resubmit only
REMOTE = _table(144, "remote", "metadata eth_dst", "fabric spread unknown limit", flow_set="network")
SPREAD = _table(152, "spread", "metadata reg9", "fabric", flow_set="network")  # entered by resubmit only
UNKNOWN = _table(160, "unknown", "metadata", "flood")
LIMIT = _table(168, "limit", "reg6")  # entered by resubmit only

# --- ingress (to 192): may this port receive it; the receiver's filters are to come ---
PERMIT = _table(176, "permit", "reg7", miss="deliver")

# --- deliver: logical port to OpenFlow port; the only table that knows OpenFlow ports of tenants on the way out ---
DELIVER = _table(200, "deliver", "reg6 reg7")

# --- fabric: to another switch; over links with labels (docs/decisions/0030-wired-fabric.md) ---
FABRIC = _table(208, "fabric", "vlan_vid reg8 metadata", "impose")
IMPOSE = _table(216, "impose", "metadata", "forward")
FORWARD = _table(224, "forward", "eth_type mpls_tc mpls_label reg11")

TABLES = (
    CLASSIFY, LABELLED, ARRIVE, NEIGHBOR, SOURCE, DECLARED, LEARN, ANSWER,
    LOCAL, FLOOD, REMOTE, SPREAD, UNKNOWN, LIMIT, PERMIT, DELIVER, FABRIC, IMPOSE, FORWARD,
)  # fmt: skip

# --- stages: the state of a packet, and the table where it goes on ---
CHECK_SOURCES = NEIGHBOR  # it is of a port that may use declared addresses only
CHECK_CLAIMS = DECLARED  # it is of a learning port
TRUSTED = LEARN  # it is of a port that may use any address
ADMITTED = ANSWER  # its source address is the sender's
ANSWERED = LOCAL  # no service of its switch has taken it
ROUTED = LOCAL  # it is in the network where its destination is; frames from the fabric are so from the start
FORWARDED = PERMIT  # OUT_KEY is its receiver
PERMITTED = DELIVER  # its receiver may have it
OUTBOUND = FABRIC  # it is for switch TO_SWITCH

STAGES: dict[str, tuple[Table, ...]] = {
    "classify": (CLASSIFY, LABELLED, ARRIVE),
    "admit": (NEIGHBOR, SOURCE, DECLARED, LEARN),
    "serve": (ANSWER,),
    "forward": (LOCAL, FLOOD, REMOTE, SPREAD, UNKNOWN, LIMIT),
    "ingress": (PERMIT,),
    "deliver": (DELIVER,),
    "fabric": (FABRIC, IMPOSE, FORWARD),
}

# --- priorities: a miss, what gives way, the usual, what overrides it ---
MISS, LOW, LEARNED, USUAL, HIGH, HIGHEST = 0, 50, 80, 100, 110, 200


# --- what travels with a packet ---
def _bits(name: str, place: str, low: int, width: int, set_by: str, read_by: str, zero: str = "") -> Bits:
    return Bits(name, place, low, width, frozenset(set_by.split()), frozenset(read_by.split()), zero)


SEGMENT = _bits(
    "segment: the network's data plane id, which is also the VNI on a tunnel", "metadata", 0, 24, "classify arrive",
    "declared answer local flood remote spread unknown fabric impose",
)  # fmt: skip
FROM_FABRIC = _bits(
    "the frame came from another switch, so it is never sent to one again (split horizon)", "metadata", 32, 1,
    "classify arrive", "declared remote spread fabric",
)  # fmt: skip
ANNOUNCED = _bits(
    "the sender speaks of its own address, so nobody answers for it", "metadata", 33, 1, "source", "answer",
    zero="of another's, or of none",
)  # fmt: skip
IN_KEY = _bits(
    "the logical port that the frame came in by", "reg6", 0, 16, "classify answer",
    "neighbor source learn answer limit deliver", zero="no port of this switch: it came over the fabric",
)  # fmt: skip
OUT_KEY = _bits(
    "the logical port that it is to leave by", "reg7", 0, 16, "local flood answer", "permit deliver"
)  # fmt: skip
TO_SWITCH = _bits(
    "the number of the switch that it is to go to", "reg8", 0, 20, "remote spread", "fabric impose",
    zero="it is for the physical network, and no switch in particular",
)  # fmt: skip
BLOCK = _bits(
    "which block of a flood is meant: of 64 logical ports or switches; from LEARNERS on: the learning ones of them",
    "reg9", 0, 17, "local remote unknown", "flood spread",
)  # fmt: skip
BUCKET = _bits("which of several shortest paths over links", "reg10", 0, 3, "fabric", "impose")
ARRIVED_TTL = _bits("the TTL that a labelled frame came with", "reg11", 0, 8, "classify impose", "forward")

TRAVELS = (SEGMENT, FROM_FABRIC, ANNOUNCED, IN_KEY, OUT_KEY, TO_SWITCH, BLOCK, BUCKET, ARRIVED_TTL)
LEARNERS = 1 << 16  # in BLOCK

MULTICAST = masked("eth_dst", "01:00:00:00:00:00", "01:00:00:00:00:00")
MULTICAST_SOURCE = masked("eth_src", "01:00:00:00:00:00", "01:00:00:00:00:00")
BROADCAST = field("eth_dst", "ff:ff:ff:ff:ff:ff")
UNTAGGED = field("vlan_vid", 0)
IPV4, ARP, IPV6 = field("eth_type", 0x0800), field("eth_type", 0x0806), field("eth_type", 0x86DD)
UDP, ICMPV6 = field("ip_proto", 17), field("ip_proto", 58)

# A reply goes to the port that asked, and is from no port itself: else neither `deliver` nor the switch would send it.
TURN_BACK: tuple[Action, ...] = (IN_KEY.copy_to(OUT_KEY.subfield), IN_KEY.put(0), load("in_port", 0))
ANNOUNCING = together((ANNOUNCED, 1))


def of_network(segment: int) -> Field:
    """A frame of the network, from a port of this switch or from the fabric."""
    return SEGMENT.match(segment)


@lru_cache(MEMO)
def from_here(segment: int) -> Field:
    """A frame of the network that came from a port of this switch."""
    return masked("metadata", *entering(segment))


def from_fabric(segment: int) -> Field:
    return masked("metadata", *entering(segment, fabric=True))


@lru_cache(MEMO)
def not_announced(segment: int) -> Field:
    """A frame of the network whose sender does not speak of its own address."""
    return masked("metadata", *together((SEGMENT, segment), (ANNOUNCED, 0)))


@lru_cache(MEMO)
def entering(segment: int, *, fabric: bool = False) -> tuple[int, int]:
    """The metadata of a frame from its first table on, as value and mask."""
    return together((SEGMENT, segment), (FROM_FABRIC, int(fabric)))

"""The pipeline on one page: its stages, their tables, and the bits that travel with a packet.

Apps name the *stage* that a packet goes on to, as the state that it is in then (ADMITTED, ANSWERED, ...); which table
that is, only this page knows.  Table numbers go in steps of eight: the gaps are for the stages to come.

Tables of networks' flow sets hold flows that are the same on every switch of a network with its segment, those of
security groups and of address sets what is the same wherever a port is in the group; the others hold a switch's own
flows.  No table holds flows of two kinds of sets, so that two can never want the same flow differently.  Where a packet
goes that no flow of a table matches is a property of the table (`miss`; none: dropped) and a flow of every switch.
"""

from __future__ import annotations

from controller.flow import Table
from controller.flow.bits import Bits


def _table(number: int, name: str, matches: str, goto: str = "", miss: str = "", flow_set: str = "switch") -> Table:
    return Table(number, name, frozenset(matches.split()), (*goto.split(), *miss.split()), miss, flow_set)


# --- classify: OpenFlow port to logical port and network; the only table that knows OpenFlow ports on the way in ---
CLASSIFY = _table(
    0, "classify", "in_port vlan_vid eth_src eth_dst eth_type tun_src tun_ipv6_src tun_id",
    "labelled arrive from_service neighbor declared learn local",
)  # fmt: skip
LABELLED = _table(8, "labelled", "eth_type mpls_label", "arrive", miss="forward")
ARRIVE = _table(16, "arrive", "tun_id", "local", miss="arrive_router", flow_set="network")
FROM_SERVICE = _table(17, "from_service", "eth_type ip_proto ipv4_src ipv6_src tcp_src", "to_asker fabric")
ARRIVE_ROUTER = _table(20, "arrive_router", "tun_id", "arrive_service snat")
ARRIVE_SERVICE = _table(21, "arrive_service", "eth_dst eth_type ip_proto", "to_asker")
TO_ASKER = _table(22, "to_asker", "eth_type ip_proto ipv4_src ipv6_src ipv6_dst tcp_src", "asker")
ASKER = _table(23, "asker", "reg7", "permit")

# --- admit: may this port send this source address; where does an address without a declared owner live ---
NEIGHBOR = _table(
    24, "neighbor", "reg6 eth_src eth_type ipv6_src ip_proto icmpv6_type nd_target", "egress learn", miss="source"
)  # fmt: skip
SOURCE = _table(
    32, "source", "reg6 eth_src eth_type ipv4_src ipv4_dst ipv6_src ip_proto udp_src udp_dst icmpv6_type "
    "arp_sha arp_spa arp_tpa", "egress learn"
)  # fmt: skip
DECLARED = _table(
    40, "declared", "metadata eth_src eth_type arp_spa ipv4_src ipv6_src ip_proto icmpv6_type nd_target",
    miss="learn", flow_set="network",
)  # fmt: skip
LEARN = _table(48, "learn", "reg6 eth_src", "egress")

# --- egress (to 72): the sender's security groups (docs/decisions/0100-nested-sets.md) ---
EGRESS = _table(
    56, "egress", "reg6 eth_type ip_proto udp_src udp_dst icmpv6_type", "egress_tracked egress_judged judge verdicts",
    miss="answer",
)  # fmt: skip
EGRESS_TRACKED = _table(
    60, "egress_tracked", "eth_dst eth_type ip_frag ct_state ct_mark", "egress_judged judge answer verdicts"
)  # fmt: skip
EGRESS_JUDGED = _table(64, "egress_judged", "eth_dst eth_type ip_proto tcp_flags ct_state reg14", "answer verdicts")

# --- serve: answered at the edge ---
ANSWER = _table(
    80, "answer", "metadata eth_src eth_dst eth_type vlan_vid ip_ttl ip_proto ipv4_src ipv6_src icmpv6_type "
    "icmpv6_code nd_target arp_op arp_spa arp_tpa ipv4_dst ipv6_dst udp_src udp_dst tcp_dst",
    "to_service served advertise deliver", miss="enter", flow_set="network",
)  # fmt: skip
TO_SERVICE = _table(81, "to_service", "eth_type ip_proto ipv4_src ipv6_src tcp_dst", "to_server")
SERVED = _table(82, "served", "reg6")
TO_SERVER = _table(83, "to_server", "", "fabric")
ADVERTISE = _table(84, "advertise", "eth_type ip_proto icmpv6_type", "deliver")

# --- route (to 126): frames to a router; the next hop's network, address and MAC (decision 115) ---
_PINGED = "ipv4_dst ipv6_dst icmpv4_type icmpv4_code icmpv6_type icmpv6_code"
DNAT = _table(85, "dnat", f"reg5 eth_type ip_proto {_PINGED}", "dnat_tracked metered hop local")
DNAT_TRACKED = _table(86, "dnat_tracked", "reg4 reg5 eth_type ip_proto tcp_dst udp_dst ct_state", "dnat_judged")
DNAT_JUDGED = _table(87, "dnat_judged", "reg4 reg5 eth_type ipv4_dst ct_state ct_mark", "metered hop")
ENTER = _table(88, "enter", "metadata eth_dst vlan_vid", "itself", miss="local", flow_set="network")
ITSELF = _table(
    92, "itself", "reg5 eth_type ip_frag ip_proto ipv4_dst ipv6_dst icmpv4_type icmpv6_type", "echo errors",
    miss="hop", flow_set="router",
)  # fmt: skip
ECHO = _table(94, "echo", f"reg5 eth_type ip_frag ip_proto {_PINGED}", "enter", flow_set="router")
HOP = _table(96, "hop", "eth_type ip_ttl ipv4_src ipv4_dst ipv6_src ipv6_dst", "errors", miss="route")
ROUTE = _table(104, "route", "reg5 eth_type ipv4_dst ipv6_dst", "paths fit float", "errors", flow_set="router")
FLOAT = _table(105, "float", "reg5 reg6 eth_type ipv4_src", "metered snat_tracked", miss="gateway")
GATEWAY = _table(106, "gateway", "metadata", "snat fabric")
SNAT = _table(107, "snat", "reg5 eth_type ipv4_src ipv4_dst ipv6_dst", "metered snat_tracked outside exits")
PATHS = _table(108, "paths", "reg5 eth_type ipv4_dst ipv6_dst", "fit", flow_set="router")
SNAT_TRACKED = _table(109, "snat_tracked", "reg4 reg5 eth_type ip_proto tcp_dst udp_dst ct_state", "snat_judged")
SNAT_JUDGED = _table(110, "snat_judged", "reg4 reg5 eth_type ipv4_src ct_state ct_mark", "outside")
OUTSIDE = _table(111, "outside", "reg5 metadata eth_type ipv4_dst ipv6_dst", "fit", flow_set="router")
FIT = _table(112, "fit", "reg5 metadata eth_type", "fits", miss="resolve", flow_set="router")
EXITS = _table(113, "exits", "reg5 eth_type", "metered snat_tracked outside")
FITS = _table(114, "fits", "reg5", "errors", miss="resolve")
ERRORS = _table(116, "errors", "reg6")
RESOLVE = _table(
    120, "resolve", "metadata eth_type reg0 reg1 reg2 reg3 reg4", "local enter", miss="unresolved",
    flow_set="network",
)  # fmt: skip
UNRESOLVED = _table(122, "unresolved", "reg6")
METERED = _table(
    123, "metered", "reg5 reg10 eth_type ipv4_src ipv4_dst ipv6_src ipv6_dst", "metered", flow_set="router"
)  # entered by resubmit only

ANSWER_OUTSIDE = _table(
    125, "answer_outside", "metadata eth_type ip_proto icmpv6_type nd_target arp_op arp_tpa", "advertise_outside"
)  # fmt: skip
ADVERTISE_OUTSIDE = _table(126, "advertise_outside", "eth_type ip_proto icmpv6_type", miss="local")

# --- forward: destination address to local port, other switch, or every member of the network ---
LOCAL = _table(
    128, "local", "metadata eth_dst eth_type ip_proto icmpv6_type nd_target arp_op arp_tpa",
    "heard permit flood flood_filter limit dnat answer_outside", miss="remote",
)  # fmt: skip
HEARD = _table(130, "heard", "metadata eth_type ip_proto icmpv6_type arp_op")
FLOOD = _table(136, "flood", "metadata reg9", "permit deliver")  # entered by resubmit only
REMOTE = _table(144, "remote", "metadata eth_dst", "fabric spread unknown limit", flow_set="network")
SPREAD = _table(152, "spread", "metadata reg9", "fabric", flow_set="network")  # entered by resubmit only
UNKNOWN = _table(160, "unknown", "metadata", "flood")
LIMIT = _table(168, "limit", "reg6")  # entered by resubmit only

# --- ingress (to 192): the receiver's security groups; copies of group frames have tables of their own ---
PERMIT = _table(
    176, "permit", "reg7 eth_type ip_proto udp_src udp_dst icmpv6_type",
    "ingress_tracked ingress_judged judge verdicts", miss="deliver",
)  # fmt: skip
INGRESS_TRACKED = _table(
    178, "ingress_tracked", "eth_type ip_frag ct_state ct_mark", "ingress_judged judge deliver verdicts"
)  # fmt: skip
INGRESS_JUDGED = _table(180, "ingress_judged", "eth_type ip_proto tcp_flags ct_state reg14", "deliver verdicts")
FLOOD_FILTER = _table(184, "flood_filter", "eth_type ip_proto udp_src udp_dst icmpv6_type", "flood_blocks")
FLOOD_BLOCKS = _table(186, "flood_blocks", "metadata", "flood_judge")
FLOOD_JUDGE = _table(188, "flood_judge", "metadata reg9 reg14 eth_type", "flood_alike flood_copies")
FLOOD_ALIKE = _table(189, "flood_alike", "metadata reg9 reg15 eth_type ip_frag ct_state", "group flood_copies")
FLOOD_COPIES = _table(190, "flood_copies", "metadata reg9 reg14 reg15", "deliver")

# --- deliver: logical port to OpenFlow port; the only table that knows OpenFlow ports of tenants on the way out ---
DELIVER = _table(200, "deliver", "reg6 reg7")

# --- fabric: to another switch; over links with labels (docs/decisions/0030-wired-fabric.md) ---
FABRIC = _table(208, "fabric", "eth_src vlan_vid reg8 metadata", "impose")
IMPOSE = _table(216, "impose", "metadata", "forward")
FORWARD = _table(224, "forward", "eth_type mpls_tc mpls_label reg11")

# --- judge: do the rules of a port's security groups allow it; entered by resubmit, for either direction ---
JUDGE = _table(232, "judge", "reg14", "group")
GROUP = _table(236, "group", "reg12 reg14", "remotes rules members plain_members", flow_set="security_group")
REMOTES = _table(240, "remotes", "reg12 reg14", "members plain_members", flow_set="security_group")
MEMBERS = _table(
    242, "members", "reg13 reg14 eth_type ct_state ct_nw_src ct_nw_dst ct_ipv6_src ct_ipv6_dst", "rules",
    flow_set="address_set",
)  # fmt: skip
PLAIN_MEMBERS = _table(
    244, "plain_members", "reg13 reg14 eth_type ipv4_src ipv4_dst ipv6_src ipv6_dst", "rules",
    flow_set="plain_address_set",
)  # fmt: skip
RULES = _table(
    248, "rules", "reg12 reg13 reg14 eth_type ct_state ct_nw_src ct_nw_dst ct_ipv6_src ct_ipv6_dst ct_nw_proto "
    "ct_tp_src ct_tp_dst ipv4_src ipv4_dst ipv6_src ipv6_dst ip_proto tcp_dst udp_dst sctp_src sctp_dst "
    "icmpv4_type icmpv4_code icmpv6_type icmpv6_code", flow_set="security_group",
)  # fmt: skip

# --- verdicts: what a filter has decided about a packet is counted and told (docs/decisions/0107-drops.md) ---
VERDICTS = _table(250, "verdicts", "reg14 reg15 ct_state")

# --- beside packets' way: probes of the connection tracker, and whose its zones are ---
PROBE = _table(251, "probe", "eth_type ct_mark")  # entered from the controller only
ZONES = Table(252, "zones", frozenset({"ct_zone", "reg4"}), owns_zones=True)  # never entered

# Tables whose numbers stay from version to version.  To all but the last packets come back from the connection tracker:
# what the datapath has cached of a packet's first part names them for a moment longer than the former flows.  A flow of
# the last that is new empties the port's zone, so to move it would end all connections.
LASTING = (
    EGRESS_TRACKED, ECHO, INGRESS_TRACKED, FLOOD_ALIKE, DNAT_TRACKED, DNAT_JUDGED, SNAT_TRACKED, SNAT_JUDGED, ZONES,
)  # fmt: skip

# --- stages: the state of a packet, and the table where it goes on ---
CHECK_SOURCES = NEIGHBOR  # it is of a port that may use declared addresses only
CHECK_CLAIMS = DECLARED  # it is of a learning port
TRUSTED = LEARN  # it is of a port that may use any address
ADMITTED = EGRESS  # its source address is the sender's
SENDABLE = ANSWER  # its sender may send it
ANSWERED = ENTER  # no service of its switch has taken it; or it is for a router, which a router has sent it to
ROUTED = LOCAL  # it is in the network where its destination is; frames from the fabric are so from the start
FORWARDED = PERMIT  # OUT_KEY is its receiver
TO_FILTERED = FLOOD_FILTER  # a group frame, for the filtered ports of its network here
PERMITTED = DELIVER  # its receiver may have it
TO_JUDGE = JUDGE  # which port it is of, and in which direction, is said: do its groups allow it
TO_GROUP = GROUP  # the same, of one group
DECIDED = VERDICTS  # its filter has decided, and says what
AT_GATEWAY = SNAT  # it is to leave by a gateway of ROUTER, which this switch is
FROM_EXTERNAL = DNAT  # it has come from an external network, to ROUTER
ASKED_OUTSIDE = ANSWER_OUTSIDE  # it asks, in an external network, for an address that this switch has
OUTBOUND = FABRIC  # it is for switch TO_SWITCH

STAGES: dict[str, tuple[Table, ...]] = {
    "classify": (CLASSIFY, LABELLED, ARRIVE, FROM_SERVICE, ARRIVE_ROUTER, ARRIVE_SERVICE, TO_ASKER, ASKER),
    "admit": (NEIGHBOR, SOURCE, DECLARED, LEARN),
    "egress": (EGRESS, EGRESS_TRACKED, EGRESS_JUDGED),
    "serve": (ANSWER, TO_SERVICE, SERVED, TO_SERVER, ADVERTISE),
    "route": (
        DNAT, DNAT_TRACKED, DNAT_JUDGED, ENTER, ITSELF, ECHO, HOP, ROUTE, FLOAT, GATEWAY, SNAT, PATHS, SNAT_TRACKED,
        SNAT_JUDGED, OUTSIDE, FIT, EXITS, FITS, ERRORS, RESOLVE, UNRESOLVED, METERED, ANSWER_OUTSIDE, ADVERTISE_OUTSIDE,
    ),
    "forward": (LOCAL, HEARD, FLOOD, REMOTE, SPREAD, UNKNOWN, LIMIT),
    "ingress": (
        PERMIT, INGRESS_TRACKED, INGRESS_JUDGED, FLOOD_FILTER, FLOOD_BLOCKS, FLOOD_JUDGE, FLOOD_ALIKE, FLOOD_COPIES,
    ),
    "deliver": (DELIVER,),
    "fabric": (FABRIC, IMPOSE, FORWARD),
    "judge": (JUDGE, GROUP, REMOTES, MEMBERS, PLAIN_MEMBERS, RULES),
    "verdict": (VERDICTS, PROBE, ZONES),
}  # fmt: skip
TABLES = tuple(table for tables in STAGES.values() for table in tables)

# --- priorities: a miss, what gives way, the usual, what overrides it ---
MISS, LOW, LEARNED, USUAL, HIGH, HIGHEST = 0, 50, 80, 100, 110, 200


# --- what travels with a packet ---
def _bits(name: str, place: str, low: int, width: int, set_by: str, read_by: str, zero: str = "") -> Bits:
    return Bits(name, place, low, width, frozenset(set_by.split()), frozenset(read_by.split()), zero)


SEGMENT = _bits(
    "segment: the network's data plane id, which is also the VNI on a tunnel", "metadata", 0, 24,
    "classify arrive arrive_router asker to_server route paths float snat exits",
    "declared answer enter gateway outside fit resolve answer_outside local heard flood remote spread unknown "
    "flood_blocks flood_judge flood_alike flood_copies fabric impose",
)  # fmt: skip
FROM_FABRIC = _bits(
    "the frame came from another switch, so it is never sent to one again (split horizon)", "metadata", 32, 1,
    "classify arrive arrive_router asker route paths answer_outside dnat",
    "declared answer enter remote spread fabric",
)  # fmt: skip
ANNOUNCED = _bits(
    "the sender speaks of its own address, so nobody answers for it", "metadata", 33, 1,
    "source route paths arrive_router", "answer answer_outside local",
    zero="of another's, or of none",
)  # fmt: skip
IN_KEY = _bits(
    "the logical port that the frame came in by", "reg6", 0, 16,
    "classify answer advertise echo local answer_outside dnat",
    "neighbor source learn egress egress_tracked egress_judged answer advertise itself float errors unresolved "
    "limit to_service served deliver",
    zero="no port of this switch: it came over the fabric",
)  # fmt: skip
SENDER_FILTER = _bits("the sender's filter: STATEFUL or STATELESS", "reg6", 16, 2, "classify", "egress", "it has none")
OUT_KEY = _bits(
    "the logical port that it is to leave by", "reg7", 0, 16,
    "local flood flood_copies answer advertise to_asker asker",
    "asker permit ingress_tracked ingress_judged deliver",
)  # fmt: skip
RECEIVER_FILTER = _bits(
    "the receiver's filter: STATEFUL or STATELESS", "reg7", 16, 2, "local flood asker", "permit", zero="it has none"
)  # fmt: skip
TO_SWITCH = _bits(
    "the number of the switch that it is to go to", "reg8", 0, 20,
    "remote spread gateway from_service to_server", "fabric impose",
    zero="it is for the physical network, and no switch in particular",
)  # fmt: skip
BLOCK = _bits(
    "which block of a flood is meant: of 64 logical ports or switches; from LEARNING_ONLY on: its learning ones",
    "reg9", 0, 17, "local remote unknown flood_blocks", "flood spread flood_judge flood_alike flood_copies",
)  # fmt: skip
ALIKE = _bits(
    "which of a block's filtered ports are meant: those with the same security groups", "reg9", 17, 7, "flood_judge",
    "flood_alike flood_copies",
)  # fmt: skip
SAME_GROUPS = _bits(
    "a digest of those groups, so that flows of two moments never mean the same ports", "reg15", 4, 24, "flood_judge",
    "flood_alike flood_copies",
)  # fmt: skip
BUCKET = _bits("which of several shortest paths over links", "reg10", 0, 3, "fabric", "impose")
ARRIVED_TTL = _bits("the TTL that a labelled frame came with", "reg11", 0, 8, "classify impose", "forward")

_NAT = "dnat dnat_tracked dnat_judged snat snat_tracked snat_judged exits"
ROUTER = _bits(
    "the number of the router that it is at", "reg5", 0, 14, "enter arrive_router local dnat",
    f"itself echo route paths fit float outside metered {_NAT}",
)  # fmt: skip
FAULT = _bits(
    "why a router does not forward it: NO_ROUTE, TTL_EXCEEDED, LARGER, or OWN_ADDRESS; the controller reads it", "reg5",
    19, 2, "itself hop fits", "", zero="NO_ROUTE",
)  # fmt: skip
SERVICE = _bits(
    "the service that it is for: DHCP4, DHCP6, SOLICITED or NAMES; the controller reads it", "reg5", 21, 3, "answer",
    "", zero="none",
)  # fmt: skip
TOO_BIG = _bits("it is larger than the next network's MTU", "reg5", 16, 1, "fit", "fits")
FROM_OUTSIDE = _bits(
    "it has come from an external network, so it is not to leave by a gateway", "reg5", 18, 1, "local dnat",
    "route metered", zero="it has not",
)  # fmt: skip
METERING_LABEL = _bits("a metering label that it may count for", "reg10", 8, 24, "metered", "metered", "none is asked")
PATH = _bits(
    "which of the next hops of its route", "reg5", 24, 8, "route snat", "paths exits outside", zero="the first"
)  # fmt: skip
NEXT_HOP4 = _bits(
    "its next hop's IPv4 address; while it is translated: our address outside", "reg4", 0, 32,
    "route paths outside float dnat snat exits", "resolve dnat_tracked dnat_judged snat_tracked snat_judged",
    zero="it is IPv6",
)  # fmt: skip
NEXT_HOP6 = tuple(
    _bits(f"its next hop's IPv6 address, {part}", place, 0, 32, "route paths outside", "resolve", zero="it is IPv4")
    for place, part in zip(
        ("reg0", "reg1", "reg2", "reg3"), ("bits 96 to 127", "64 to 95", "32 to 63", "0 to 31"), strict=True
    )
)
_JUDGED = "egress_judged ingress_judged"
_STAGES = f"egress egress_tracked permit ingress_tracked {_JUDGED}"
JUDGED_GROUP = _bits(
    "the security group whose rules are asked", "reg12", 0, 24, f"{_JUDGED} judge flood_alike", "group remotes rules"
)  # fmt: skip
REMOTE_SET = _bits(
    "the address set that the other side is in; 0: any", "reg13", 0, 24, f"{_JUDGED} group remotes",
    "members plain_members rules",
)  # fmt: skip
JUDGED_PORT = _bits("the logical port whose groups are asked", "reg14", 0, 16, _STAGES, "judge verdicts")
DIRECTION = _bits(
    "the direction that is asked about: OUTWARD or INWARD", "reg14", 16, 1, f"{_STAGES} flood_filter",
    "group remotes members plain_members rules",
)  # fmt: skip
ALLOWED = _bits(
    "a rule allows it", "reg14", 17, 1, f"{_STAGES} flood_filter flood_alike rules",
    "egress_judged ingress_judged flood_judge flood_copies group remotes members plain_members",
)  # fmt: skip
OUTCOME = _bits("what a filter has decided: PASSED, or why it drops the packet", "reg15", 0, 3, _STAGES, "verdicts")
DECIDED_AT = _bits(
    "where it has: OUTWARD, as the port sent the packet, or INWARD, before it was to get it", "reg15", 3, 1, _STAGES,
    "verdicts",
)  # fmt: skip

TRAVELS = (
    SEGMENT, FROM_FABRIC, ANNOUNCED, IN_KEY, SENDER_FILTER, OUT_KEY, RECEIVER_FILTER, TO_SWITCH, BLOCK, ALIKE,
    SAME_GROUPS, BUCKET, ARRIVED_TTL, JUDGED_GROUP, REMOTE_SET, JUDGED_PORT, DIRECTION, ALLOWED, OUTCOME, DECIDED_AT,
    ROUTER, TOO_BIG, FROM_OUTSIDE, FAULT, SERVICE, METERING_LABEL, PATH, NEXT_HOP4, *NEXT_HOP6,
)  # fmt: skip
LEARNING_ONLY = 1 << 16  # in BLOCK
UNFILTERED, STATEFUL, STATELESS = 0, 1, 3  # in SENDER_FILTER and RECEIVER_FILTER; bit 0: there is a filter
OUTWARD, INWARD = 0, 1  # in DIRECTION, and who opened a connection, in ct_mark
NO_ROUTE, TTL_EXCEEDED, LARGER, OWN_ADDRESS = 0, 1, 2, 3  # in FAULT
DHCP4, DHCP6, SOLICITED, NAMES = 1, 2, 3, 4  # in SERVICE
PASSED, NO_RULE, FORBIDDEN, NO_PROTOCOL, INVALID = 1, 2, 3, 4, 5  # in OUTCOME
OPENER = "ct_mark[0]"  # of a connection in a port's zone: OUTWARD, the port itself, or INWARD

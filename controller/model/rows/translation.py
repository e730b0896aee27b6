"""What routers do to packets beside routing, other than NAT: connection tracking helpers, proxies of ND, metering."""

from __future__ import annotations

from .base import BY_OWNER, Reference, Seen, Standard, row


@row(
    "conntrack_helper",
    index=("router_id",),
    lookup=("project_id",),
    parent=Reference("router_id", "router", "router-helper", shown=True),
    seen=Seen(parent_owner=True),
    quota=100,
)
class ConntrackHelper(Standard, frozen=True, kw_only=True):
    """Connections of `protocol` to `port` through the router are read by `helper`, for the connections they announce.

    `protocol`: tcp or udp; `helper`: ftp or tftp.  No two of a router are the same.
    """

    router_id: str
    protocol: str
    port: int
    helper: str


@row(
    "ndp_proxy",
    index=("router_id", "port_id"),
    lookup=("project_id", "name"),
    refers=(Reference("router_id", "router", "router-proxy"), Reference("port_id", "port", "proxied")),
    seen=BY_OWNER,
    quota=50,
    plural="NDP proxies",
)
class NdpProxy(Standard, frozen=True, kw_only=True):
    """An IPv6 address of a port behind a router that the router's gateway answers neighbour discovery for, outside."""

    router_id: str
    port_id: str
    ip_address: str


@row("metering_label", index=("project_id", "shared"), lookup=("name",), seen=BY_OWNER, quota=10)
class MeteringLabel(Standard, frozen=True, kw_only=True):
    """What is counted together at the gateways of the project's routers; `shared`: of all projects' routers."""

    shared: bool = False


@row(
    "metering_label_rule",
    index=("metering_label_id",),
    lookup=("project_id",),
    parent=Reference("metering_label_id", "metering_label", "metered"),
    seen=BY_OWNER,
    quota=100,
)
class MeteringLabelRule(Standard, frozen=True, kw_only=True):
    """Packets that count for a label.

    `direction`: ingress (from outside) or egress.  `excluded`: they do not count, whatever other rules say.
    All prefixes are of addresses as they are inside, behind NAT.  `remote_ip_prefix`: of the source of what leaves, and
    of the destination of what enters (so it is upstream, whatever its name says), and then neither of the others;
    `source_ip_prefix` and `destination_ip_prefix`: of the packet.  "": any.
    """

    metering_label_id: str
    direction: str
    excluded: bool = False
    remote_ip_prefix: str = ""
    source_ip_prefix: str = ""
    destination_ip_prefix: str = ""

"""Local IPs: virtual addresses that lead to another port on each host."""

from __future__ import annotations

from .base import BY_OWNER, Reference, Seen, Standard, row


@row(
    "local_ip",
    index=("local_port_id", "network_id"),
    lookup=("project_id", "name", "local_ip_address"),
    refers=(Reference("local_port_id", "port", "local-ip"),),
    seen=BY_OWNER,
    quota=50,
    plural="Local IPs",
)
class LocalIp(Standard, frozen=True, kw_only=True):
    """An address of a network that senders reach at the associated port on their own host.

    `local_port_id`: the port that has the address, and serves it where no port is associated.  `ip_mode`: translate
    (the destination becomes the port's own address) or passthrough (it stays).
    """

    local_port_id: str
    network_id: str
    local_ip_address: str
    ip_mode: str = "translate"


@row(
    "port_association",
    index=("local_ip_id", "fixed_port_id"),
    lookup=("project_id",),
    parent=Reference("local_ip_id", "local_ip", "local-ip-association"),
    refers=(Reference("fixed_port_id", "port", "local-ip-port"),),
    seen=Seen(parent_owner=True),
    quota=200,
    plural="Port associations",
)
class LocalIpAssociation(Standard, frozen=True, kw_only=True):
    """A port that serves a local IP on its host, with its address `fixed_ip`.  `id`: LOCAL-IP.PORT."""

    local_ip_id: str
    fixed_port_id: str
    fixed_ip: str

"""Address scopes, and subnet pools: prefixes from which subnets are cut."""

from __future__ import annotations

from collections.abc import Iterator

from .base import SHARED, Reads, Reference, Seen, Standard, row
from .networks import Network
from .subnets import Subnet


@row(
    "address_scope",
    plural="Address scopes",
    lookup=("project_id", "name", "tags"),
    seen=Seen(shared=(SHARED,)),
    quota=100,
)
class AddressScope(Standard, frozen=True, kw_only=True):
    """A set of subnet pools that do not overlap."""

    ip_version: int


def _networks(reads: Reads, before: SubnetPool | None, after: SubnetPool | None) -> Iterator[Network]:
    """A network shows the address scope of its subnets, which is that of their pool."""
    pool = after or before
    if pool is None or (before is not None and after is not None and before.address_scope_id == after.address_scope_id):
        return
    for subnet in reads.find(Subnet, "subnetpool_id", pool.id):
        network = reads.get(Network, subnet.network_id)
        if network is not None:
            yield network


@row(
    "subnetpool",
    plural="Subnet pools",
    lookup=("project_id", "name", "address_scope_id", "tags"),
    refers=(Reference("address_scope_id", "address_scope", "scope"),),
    seen=Seen(shared=(SHARED,)),
    alters=_networks,
    quota=100,
)
class SubnetPool(Standard, frozen=True, kw_only=True):
    """Prefixes from which subnets are cut.  `default_quota`: addresses (IPv4) or /64s (IPv6) a project, 0: no bound."""

    ip_version: int
    prefixes: tuple[str, ...]
    default_prefixlen: int
    min_prefixlen: int
    max_prefixlen: int
    default_quota: int = 0
    is_default: bool = False
    address_scope_id: str = ""

"""Subnets of v2.0, as declared."""

from __future__ import annotations

from controller.intent import subnets
from controller.model.kinds import Subnet

from ..checks import boolean, cidr, empty_list, one_of, optional_address, pools, uuid
from ..resource import Attribute, May, Resource, View, attribute
from .common import IDENTITY, STANDARD


def _pools(view: View, subnet: Subnet) -> list[dict[str, str]]:
    return [{"start": pool.start, "end": pool.end} for pool in subnet.allocation_pools]


SUBNETS = Resource(
    name="subnet",
    plural="subnets",
    kind=Subnet,
    not_found="SubnetNotFound",
    attributes=(
        *IDENTITY,
        attribute("network_id", uuid, May.CREATE, required=True),
        attribute("ip_version", one_of(4, 6), May.CREATE, required=True),
        attribute("cidr", cidr, May.CREATE, required=True),
        Attribute("gateway_ip", lambda view, row: row.gateway_ip or None, May.SET, optional_address, "gateway_ip"),
        Attribute("allocation_pools", _pools, May.SET, pools, "allocation_pools"),
        attribute("enable_dhcp", boolean, May.SET),
        Attribute("dns_nameservers", lambda view, row: [], May.SET, empty_list),
        Attribute("host_routes", lambda view, row: [], May.SET, empty_list),
        *STANDARD,
    ),
    create=subnets.create,
    update=subnets.update,
    delete=subnets.delete,
    index={"network_id": "network_id", "project_id": "project_id", "tenant_id": "project_id"},
)

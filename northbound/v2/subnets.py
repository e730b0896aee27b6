"""Subnets of v2.0, as declared."""

from __future__ import annotations

from controller.intent import subnets
from controller.model.rows import Subnet

from ..checks import boolean, cidr, filled, one_of, optional_address, pools, uuid
from ..resource import Attribute, Extension, May, Resource, ResourceView, attribute
from ..rules import NETWORK_MEMBER, NETWORK_READER, READER, SERVICE, SHARED, WRITE, Access, any_of, of_attributes
from ..schema import either
from ..structures import addresses, ip_version, list_of, nullable, number, routes
from .common import IDENTITY, OWNED, STANDARD, listed, optional, shared, tagged

_MODE = one_of("slaac", "dhcpv6-stateful", "dhcpv6-stateless")


def _pools(view: ResourceView, subnet: Subnet) -> list[dict[str, str]]:
    return [{"start": pool.start, "end": pool.end} for pool in subnet.allocation_pools]


def _routes(view: ResourceView, subnet: Subnet) -> list[dict[str, str]]:
    return [{"destination": route.destination, "nexthop": route.nexthop} for route in subnet.host_routes]


SUBNETS = Resource(
    name="subnet",
    plural="subnets",
    kind=Subnet,
    not_found="SubnetNotFound",
    attributes=(
        *IDENTITY,
        attribute("network_id", uuid, May.CREATE, required=True),
        attribute("ip_version", ip_version, May.CREATE, required=True, shape=either(4, 6)),
        attribute("cidr", cidr, May.CREATE),
        Attribute("gateway_ip", lambda view, row: row.gateway_ip or None, May.SET, optional_address, "gateway_ip"),
        Attribute("allocation_pools", _pools, May.SET, pools, "allocation_pools"),
        attribute("enable_dhcp", boolean, May.SET),
        listed("dns_nameservers", addresses, May.SET),
        Attribute("host_routes", _routes, May.SET, routes, "host_routes"),
        optional("ipv6_ra_mode", nullable(_MODE, ""), May.CREATE, "ra_mode"),
        optional("ipv6_address_mode", nullable(_MODE, ""), May.CREATE, "address_mode"),
        listed("service_types", list_of(filled), May.SET, usual=[]),
        optional("subnetpool_id", nullable(uuid, ""), May.CREATE),
        attribute("dns_publish_fixed_ip", boolean, May.SET),
        Attribute("prefixlen", None, May.CREATE, number(0, 128), "prefixlen"),
        Attribute("use_default_subnetpool", None, May.CREATE, boolean, "use_default_subnetpool"),
        shared(May.NOTHING, boolean, lambda row: str(row.network_id)),
        tagged(),
        *STANDARD,
    ),
    access=Access(  # whoever's project the subnet is of
        create=NETWORK_MEMBER,
        get=any_of(READER, NETWORK_READER, SHARED, SERVICE),
        update=NETWORK_MEMBER,
        delete=NETWORK_MEMBER,
        attributes=of_attributes((WRITE, "service_types", NETWORK_MEMBER)),
    ),
    create=subnets.create,
    update=subnets.update,
    delete=subnets.delete,
    index={"network_id": "network_id", **OWNED, "name": "name", "cidr": "cidr", "subnetpool_id": "subnetpool_id"},
    tagged=True,
    extensions=(
        Extension("subnet-dns-publish-fixed-ip", "Subnet DNS publish fixed IP", "2019-05-24T10:00:00-00:00",
                  "Support choosing to publish DNS records for IPs from a subnet"),
        Extension("subnet-service-types", "Subnet service types", "2016-03-15T18:00:00-00:00",
                  "Provides ability to set the subnet service_types field"),
        Extension("subnet_allocation", "Subnet Allocation", "2015-03-30T10:00:00-00:00",
                  "Enables allocation of subnets from a subnet pool"),
    ),
)  # fmt: skip

"""Networks of v2.0, as declared."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from controller.intent import floatingips, networks
from controller.intent.allocate import SEGMENTS
from controller.intent.networks import ENCAPSULATIONS
from controller.intent.physical import TYPES
from controller.model.rows import Network, Subnet, SubnetPool

from .. import schema
from ..checks import Check, Fault, address, boolean, filled, items, keys, one_of, shown, text
from ..domain_names import keyword_domain
from ..resource import Attribute, Extension, May, Resource, ResourceView, attribute
from ..rules import ADMIN, ALWAYS, MEMBER, READER, SERVICE, SHARED, WRITE, Access, any_of, of_attributes
from ..structures import list_of, nullable, number
from .common import IDENTITY, OWNED, STANDARD, UUID, listed, shared, tagged

EXTERNAL = "role:reader and rule:external"
UUIDS = {"type": "array", "items": UUID}
MOST_SERVERS = 8  # that a network's DHCP messages are relayed to
LARGEST = 65_535  # bytes of an IP packet (RFC 791, 3.1)


def _status(view: ResourceView, network: Network) -> str:
    return "ACTIVE" if network.admin_state_up else "DOWN"


def _subnets(view: ResourceView, network: Network) -> list[str]:
    return [subnet.id for subnet in view.model.find(Subnet, "network_id", network.id)]


def _segmentation_id(view: ResourceView, network: Network) -> int | None:
    """The VLAN of a network on a physical one, else the tunnels' key; a flat network has none."""
    if network.network_type in TYPES:
        return network.vlan or None
    return network.segment


def _or_none(check: Check) -> Check:
    return schema.takes(schema.or_null(schema.of(check)))(lambda value: None if value is None else check(value))


def _scope(version: int) -> Attribute:
    """The address scope of the network's subnets of one version, null where they are of none."""

    def show(view: ResourceView, network: Network) -> str | None:
        for subnet in view.model.find(Subnet, "network_id", network.id):
            pool = view.model.get(SubnetPool, subnet.subnetpool_id) if subnet.ip_version == version else None
            if pool is not None and pool.address_scope_id:
                return pool.address_scope_id
        return None

    return Attribute(f"ipv{version}_address_scope", show, shape=schema.or_null(UUID))


def _zones(view: ResourceView, network: Network) -> list[str]:
    return networks.zones_of(view.model, ("network", network.id))


@schema.takes(schema.of(address))
def relay_server(value: object) -> str:
    """Address of a DHCP server, as routers may reach it."""
    found = address(value)
    number = ip_address(found)
    if number.is_multicast or number.is_unspecified or number.is_link_local or found == "255.255.255.255":
        raise Fault(f"{shown(value)} is not the address of a server")
    return found


TYPE = nullable(one_of(*ENCAPSULATIONS, *TYPES), ENCAPSULATIONS[0])
SEGMENTATION_ID = _or_none(number(1, SEGMENTS))
PHYSICAL_NETWORK = _or_none(text)
PROVIDER = {  # attribute -> what the rules call it, and its check
    "provider:network_type": ("network_type", TYPE),
    "provider:segmentation_id": ("segment", SEGMENTATION_ID),
    "provider:physical_network": ("physical_network", PHYSICAL_NETWORK),
}
SEGMENT = schema.closed({name: schema.of(check) for name, (_, check) in PROVIDER.items()})


@schema.takes(schema.array(SEGMENT, 1) | {"minItems": 1})
def one_segment(value: object) -> dict[str, Any]:
    """`segments` of the extension multi-provider: a network here has one, told as its provider attributes."""
    found = list(items(value))
    if len(found) != 1:
        raise Fault(f"has {len(found)} items; a network has one segment here")
    place, item = found[0]
    keys(item, PROVIDER, place)
    return {PROVIDER[name][0]: PROVIDER[name][1](held) for name, held in item.items()}


NETWORKS = Resource(
    name="network",
    plural="networks",
    kind=Network,
    not_found="NetworkNotFound",
    attributes=(
        *IDENTITY,
        attribute("admin_state_up", boolean, May.SET),
        Attribute("status", _status, shape=schema.either("ACTIVE", "DOWN")),
        Attribute("subnets", _subnets, shape=UUIDS),
        Attribute("mtu", lambda view, row: view.statuses.mtu(row)[0], May.SET, nullable(number(0, LARGEST), 0), "mtu",
                  shape=schema.WHOLE),
        Attribute("tenet:mtu_reason", lambda view, row: view.statuses.mtu(row)[1], shape=schema.SHOWN_TEXT),
        shared(May.SET, boolean),
        attribute("router:external", boolean, May.SET, source="external", usual=False),
        attribute("is_default", boolean, May.SET, usual=False),
        attribute("provider:network_type", TYPE, May.CREATE, source="network_type",
                  shape=schema.either(*ENCAPSULATIONS, *TYPES)),
        Attribute("provider:segmentation_id", _segmentation_id, May.CREATE, SEGMENTATION_ID, "segment"),
        Attribute("provider:physical_network", lambda view, row: row.physical_network or None, May.CREATE,
                  PHYSICAL_NETWORK, "physical_network", shape=schema.or_null(schema.SHOWN_TEXT)),
        Attribute("segments", None, May.CREATE, one_segment, "segments"),
        attribute("port_security_enabled", boolean, May.SET, source="port_security", usual=True),
        attribute("dns_domain", keyword_domain, May.SET, shape=schema.SHOWN_TEXT),
        listed("tenet:dhcp_relay", list_of(relay_server, MOST_SERVERS), May.SET, "dhcp_relay", usual=[]),
        listed("availability_zone_hints", list_of(filled), May.CREATE, "zone_hints"),
        Attribute("availability_zones", _zones, shape=schema.TEXTS),
        _scope(4),
        _scope(6),
        tagged(),
        *STANDARD,
    ),
    access=Access(
        get=any_of(READER, SHARED, EXTERNAL, SERVICE),
        attributes=of_attributes(
            (WRITE, "shared", ADMIN),
            (WRITE, "router:external", ADMIN),
            (WRITE, "is_default", ADMIN),
            (WRITE, "port_security_enabled", MEMBER),
            (ALWAYS, "segments", ADMIN),
            (ALWAYS, "tenet:dhcp_relay", ADMIN),
            *((ALWAYS, name, ADMIN) for name in PROVIDER),
        ),
    ),
    create=networks.create,
    update=networks.update,
    delete=floatingips.delete_network,
    index={**OWNED, "name": "name"},
    tagged=True,
    extensions=(
        Extension("dns-integration", "DNS Integration", "2015-08-15T18:00:00-00:00", "Provides integration with DNS."),
        Extension("dns-integration-domain-keywords", "DNS domain names with keywords allowed",
                  "2020-06-15T18:00:00-00:00",
                  "Allows to use keywords like <project_id>, <project_name>, <user_id> and <user_name> as DNS domain "
                  "name"),
        Extension("external-net", "Neutron external network", "2013-01-14T10:00:00-00:00",
                  "Adds external network attribute to network resource."),
        Extension("multi-provider", "Multi Provider Network", "2013-06-27T10:00:00-00:00",
                  "Expose mapping of virtual networks to multiple physical networks"),
        Extension("net-mtu", "Network MTU", "2015-03-25T10:00:00-00:00",
                  "Provides MTU attribute for a network resource."),
        Extension("net-mtu-writable", "Network MTU (writable)", "2017-07-12T00:00:00-00:00",
                  "Provides a writable MTU attribute for a network resource."),
        Extension("network_availability_zone", "Network Availability Zone", "2015-01-01T10:00:00-00:00",
                  "Availability zone support for network."),
        Extension("provider", "Provider Network", "2012-09-07T10:00:00-00:00",
                  "Expose mapping of virtual networks to physical networks"),
    ),
)  # fmt: skip

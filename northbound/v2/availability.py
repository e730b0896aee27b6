"""Availability: addresses left of each network, and zones where networks can be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from controller.intent import networks, ranges
from controller.model.rows import Network, Port, Subnet, Switch
from controller.model.rows.base import Reference

from ..answer import Response, as_json
from ..ask import Ask
from ..resource import Attribute, Extension, Resource, ResourceView, attribute
from ..rules import ADMIN, Access
from ..schema import OBJECT, WHOLE
from .common import OWNED, UUID


def _of_subnet(view: ResourceView, subnet: Subnet) -> dict[str, Any]:
    return {
        "subnet_id": subnet.id,
        "subnet_name": subnet.name,
        "cidr": subnet.cidr,
        "ip_version": subnet.ip_version,
        "total_ips": ranges.span(subnet).size,
        "used_ips": view.model.count(Port, "subnets", subnet.id),
    }


def _subnets(view: ResourceView, network: Network) -> list[dict[str, Any]]:
    return [_of_subnet(view, subnet) for subnet in view.model.find(Subnet, "network_id", network.id)]


def _sum(name: str) -> Attribute:
    return Attribute(name, lambda view, row: sum(each[name] for each in _subnets(view, row)), shape=WHOLE)


def _has_version(values: Sequence[str]) -> Callable[[ResourceView, Network], bool]:
    return lambda view, network: any(str(each["ip_version"]) in values for each in _subnets(view, network))


IP_AVAILABILITIES = Resource(
    name="network_ip_availability",
    plural="network_ip_availabilities",
    path="network-ip-availabilities",
    kind=Network,
    not_found="NetworkNotFound",
    attributes=(
        attribute("network_id", source="id", shape=UUID),
        attribute("network_name", source="name"),
        attribute("project_id"),
        attribute("tenant_id", source="project_id"),
        _sum("total_ips"),
        _sum("used_ips"),
        Attribute("subnet_ip_availability", _subnets, shape={"type": "array", "items": OBJECT}),
    ),
    access=Access(get=ADMIN),
    index={**OWNED, "network_name": "name"},
    filters={"ip_version": _has_version},
    on=Reference("id", "network"),
    extensions=(
        Extension(
            "network-ip-availability",
            "Network IP Availability",
            "2015-09-24T00:00:00-00:00",
            "Provides IP availability data for each network and subnet.",
        ),
    ),
)


def zones(ask: Ask) -> Response:
    """Every zone with a hypervisor in it."""
    there = networks.zones(ask.view.model.rows(Switch).values())
    found = [
        {"name": name, "resource": resource, "state": "available"}
        for name in there
        for resource in ("network", "router")
    ]
    return as_json(200, {"availability_zones": [each for each in found if _asked(each, ask.query())]})


def _asked(zone: dict[str, str], query: dict[str, list[str]]) -> bool:
    return all(zone[name] in values for name, values in query.items() if name in zone)

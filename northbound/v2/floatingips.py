"""Floating IPs of v2.0, as declared, and the pools that their addresses come from."""

from __future__ import annotations

from typing import Any

from controller.intent import floatingips
from controller.model.rows import FloatingIp, Network, Port, PortForwarding, Subnet

from ..answer import Response, as_json
from ..ask import Ask
from ..checks import address, optional_address, uuid
from ..domain_names import domain, relative_name
from ..errors import bad_request
from ..resource import Attribute, Extension, May, Resource, ResourceView, attribute
from ..rules import MANAGER, MEMBER, READER, WRITE, Access, of_attributes
from ..schema import OBJECT, SHOWN_TEXT, either, or_null
from ..structures import nullable
from . import visibility
from .common import OWNED, OWNER, STANDARD, UUID, optional, tagged


def _status(view: ResourceView, row: FloatingIp) -> str:
    return view.statuses.floating(row)


def _port_details(view: ResourceView, row: FloatingIp) -> dict[str, object] | None:
    port = view.model.get(Port, row.port_id) if row.port_id else None
    if port is None:
        return None
    return {
        "name": port.name,
        "network_id": port.network_id,
        "mac_address": port.mac_address,
        "admin_state_up": port.admin_state_up,
        "status": view.statuses.port(port)[0],
        "device_id": port.device_id,
        "device_owner": port.device_owner,
    }


def _forwardings(view: ResourceView, row: FloatingIp) -> list[dict[str, Any]]:
    found = view.model.find(PortForwarding, "floatingip_id", row.id)
    return [
        {
            "id": each.id,
            "protocol": each.protocol,
            "internal_port_id": each.internal_port_id,
            "internal_ip_address": each.internal_ip_address,
            "external_port": single_port(each.external_ports),
            "internal_port": single_port(each.internal_ports),
        }
        for each in found
    ]


def single_port(span: tuple[int, int]) -> int | None:
    """The port that a range of one is; None for other ranges."""
    return span[0] if span[0] == span[1] else None


FLOATING_IPS = Resource(
    name="floatingip",
    plural="floatingips",
    kind=FloatingIp,
    not_found="FloatingIPNotFound",
    attributes=(
        attribute("id"),
        *OWNER,
        attribute("floating_network_id", uuid, May.CREATE, required=True),
        attribute("floating_ip_address", optional_address, May.CREATE, shape=SHOWN_TEXT),
        Attribute("subnet_id", None, May.CREATE, nullable(uuid, ""), "subnet_id"),
        optional("port_id", nullable(uuid, ""), May.SET, shape=or_null(UUID)),
        optional("fixed_ip_address", nullable(address, ""), May.SET, shape=or_null(SHOWN_TEXT)),
        optional("router_id", shape=or_null(UUID)),
        Attribute("status", _status, shape=either("ACTIVE", "DOWN", "ERROR")),
        Attribute("port_details", _port_details, shape=or_null(OBJECT)),
        Attribute("port_forwardings", _forwardings, shape={"type": "array", "items": OBJECT}),
        attribute("dns_name", relative_name, May.CREATE, shape=SHOWN_TEXT),
        attribute("dns_domain", domain, May.CREATE, shape=SHOWN_TEXT),
        tagged(),
        *STANDARD,
    ),
    access=Access(
        create=MEMBER,
        get=READER,
        attributes=of_attributes((WRITE[:1], "floating_ip_address", MANAGER)),
    ),
    create=floatingips.create,
    update=floatingips.update,
    delete=floatingips.delete,
    index={
        **OWNED, "floating_network_id": "floating_network_id", "floating_ip_address": "floating_ip_address",
        "port_id": "port_id", "router_id": "router_id",
    },
    tagged=True,
    extensions=(
        Extension("expose-port-forwarding-in-fip", "Expose Floating IP port forwardings", "2018-06-28T16:00:00-00:00",
                  "Expose port forwarding fields in floating IP response"),
        Extension("fip-port-details", "Floating IP Port Details Extension", "2018-04-09T10:00:00-00:00",
                  "Add port_details attribute to Floating IP resource"),
        Extension("floatingip-pools", "Floating IP Pools Extension", "2018-03-21T10:00:00-00:00",
                  "Provides a floating IP pools API."),
        Extension("router-interface-fip", "Floating IP on a router interface", "2015-11-11T10:00:00-00:00",
                  "Allows floating IPs of an external network that a router has an interface on"),
    ),
)  # fmt: skip
POOL = ("subnet_id", "subnet_name", "network_id", "cidr", "project_id", "tenant_id")


def pools(ask: Ask) -> Response:
    """IPv4 subnets of the external networks that the caller sees: where floating IPs have their addresses from."""
    mine = {"project_id": ask.caller.project_id, "tenant_id": ask.caller.project_id}
    ask.context.policy.check(ask.caller, "get_floatingip_pool", mine)
    query = ask.query()
    unknown = sorted(query.keys() - {*POOL, "fields"})
    if unknown:
        raise bad_request(f"{unknown} is invalid attribute for filtering")
    model = ask.view.model
    found = [
        _pool(subnet, mine)
        for network in model.rows(Network).values()
        if network.external and visibility.sees(ask.view, network)
        for subnet in model.find(Subnet, "network_id", network.id)
        if subnet.ip_version == 4
    ]
    found = [each for each in found if all(each[name] in query[name] for name in POOL if name in query)]
    fields = set(query.get("fields", ())) & {*POOL} or {*POOL}
    return as_json(200, {"floatingip_pools": [{name: each[name] for name in POOL if name in fields} for each in found]})


def _pool(subnet: Subnet, mine: dict[str, str]) -> dict[str, str]:
    return {"subnet_id": subnet.id, "subnet_name": subnet.name, "network_id": subnet.network_id, "cidr": subnet.cidr,
            **mine}  # fmt: skip

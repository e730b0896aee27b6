"""Routers of v2.0, as declared, with the calls that change their interfaces, routes and gateways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.intent import networks, router_interfaces, routers
from controller.intent.env import Means
from controller.intent.router_interfaces import InterfaceChange
from controller.model.rows import ConntrackHelper, Gateway, GatewayRanking, Port, Router, Switch
from controller.runtime.errors import Invalid
from controller.store.transaction import Transaction

from .. import schema
from ..checks import boolean, filled, uuid
from ..gateways import gateway_info, gateways
from ..resource import Attribute, Extension, May, MemberAction, Resource, ResourceView, attribute
from ..rules import ADMIN, ALWAYS, MEMBER, WRITE, Access, of_attributes
from ..structures import list_of, nullable, routes
from .common import IDENTITY, OWNED, STANDARD, UUID, listed, optional, tagged

ADDRESS = schema.closed({"subnet_id": UUID, "ip_address": schema.SHOWN_TEXT})
GATEWAY = schema.closed({"network_id": UUID, "enable_snat": schema.BOOLEAN,
                         "external_fixed_ips": {"type": "array", "items": ADDRESS}})  # fmt: skip
ROUTE = schema.closed({"destination": schema.SHOWN_TEXT, "nexthop": schema.SHOWN_TEXT})


def _gateway(view: ResourceView, gateway: Gateway) -> dict[str, Any]:
    port = view.model.get(Port, gateway.port_id)
    return {
        "network_id": gateway.network_id,
        "enable_snat": gateway.snat,
        "external_fixed_ips": [
            {"subnet_id": fixed.subnet_id, "ip_address": fixed.ip_address} for fixed in (port.fixed_ips if port else ())
        ],
    }


def _gateways(view: ResourceView, router: Router) -> list[dict[str, Any]]:
    return [_gateway(view, each) for each in router.gateways]


def _first(view: ResourceView, router: Router) -> dict[str, Any] | None:
    return _gateway(view, router.gateways[0]) if router.gateways else None


def _routes(view: ResourceView, router: Router) -> list[dict[str, str]]:
    return [{"destination": each.destination, "nexthop": each.nexthop} for each in router.routes]


def _zones(view: ResourceView, router: Router) -> list[str]:
    """Those of the hosts that may be its gateway; without one, of those that carry it."""
    ranking = view.model.get(GatewayRanking, router.id)
    hosts = [view.model.get(Switch, each) for each in ranking.switches] if ranking else []
    return networks.zones(filter(None, hosts)) or networks.zones_of(view.model, ("router", router.id))


def _helpers(view: ResourceView, router: Router) -> list[dict[str, Any]]:
    found = view.model.find(ConntrackHelper, "router_id", router.id)
    return [{"protocol": each.protocol, "port": each.port, "helper": each.helper} for each in found]


# --- calls beside CRUD ------------------------------------------------------------------------------------------------


def _add_interface(tx: Transaction, router_id: str, request: Mapping[str, Any], means: Means) -> InterfaceChange:
    router = routers.required(tx, router_id)
    if len(request) > 1:
        raise Invalid("Bad router request: Cannot specify both subnet-id and port-id.", "BadRequest")
    if "port_id" in request:
        return router_interfaces.add_by_port(tx, router, request["port_id"], means)
    return router_interfaces.add_by_subnet(tx, router, request["subnet_id"], means)


def _remove_interface(tx: Transaction, router_id: str, request: Mapping[str, Any], means: Means) -> InterfaceChange:
    router = routers.required(tx, router_id)
    if "port_id" in request:
        return router_interfaces.remove_by_port(tx, router, request["port_id"], request.get("subnet_id", ""), means)
    return router_interfaces.remove_by_subnet(tx, router, request["subnet_id"], means)


def _interface(view: ResourceView, change: InterfaceChange) -> dict[str, object]:
    return {
        "id": change.router_id,
        "project_id": change.port.project_id,
        "tenant_id": change.port.project_id,
        "port_id": change.port.id,
        "network_id": change.port.network_id,
        "subnet_id": change.subnet_ids[-1],
        "subnet_ids": list(change.subnet_ids),
    }


INTERFACE = schema.closed(
    {
        **dict.fromkeys(("id", "port_id", "network_id", "subnet_id"), UUID),
        **dict.fromkeys(("project_id", "tenant_id"), schema.SHOWN_TEXT),
        "subnet_ids": {"type": "array", "items": UUID},
    }
)
BY = {"subnet_id": uuid, "port_id": uuid}


def _add_routes(tx: Transaction, router_id: str, request: Mapping[str, Any], means: Means) -> Router:
    return routers.add_routes(tx, router_id, request["routes"], means)


def _remove_routes(tx: Transaction, router_id: str, request: Mapping[str, Any], means: Means) -> Router:
    return routers.remove_routes(tx, router_id, request["routes"], means)


def _add_gateways(tx: Transaction, router_id: str, request: Mapping[str, Any], means: Means) -> Router:
    return routers.add_gateways(tx, router_id, request["external_gateways"], means)


def _update_gateways(tx: Transaction, router_id: str, request: Mapping[str, Any], means: Means) -> Router:
    return routers.update_gateways(tx, router_id, request["external_gateways"], means)


def _remove_gateways(tx: Transaction, router_id: str, request: Mapping[str, Any], means: Means) -> Router:
    return routers.remove_gateways(tx, router_id, request["external_gateways"], means)


_NAMED = (("external_gateways", MEMBER), ("external_gateways:network_id", MEMBER))
_DETAILED = (
    *_NAMED,
    ("external_gateways:enable_snat", ADMIN),
    ("external_gateways:external_fixed_ips", ADMIN),
)
_GATEWAYS = {"external_gateways": gateways}
_ROUTES = {"routes": routes}

ACTIONS = (
    MemberAction("add_router_interface", "Add an interface to a router", MEMBER, BY, _add_interface, _interface,
                 INTERFACE, choice=True),
    MemberAction("remove_router_interface", "Remove an interface from a router", MEMBER, BY, _remove_interface,
                 _interface, INTERFACE, choice=True),
    MemberAction("add_extraroutes", "Add extra routes to a router", MEMBER, _ROUTES, _add_routes, root="router"),
    MemberAction("remove_extraroutes", "Remove extra routes from a router", MEMBER, _ROUTES, _remove_routes,
                 root="router"),
    MemberAction("add_external_gateways", "Add external gateways to a router", MEMBER, _GATEWAYS, _add_gateways,
                 root="router", parts=_DETAILED),
    MemberAction("update_external_gateways", "Set all external gateways of a router", MEMBER, _GATEWAYS,
                 _update_gateways, root="router", parts=_DETAILED),
    MemberAction("remove_external_gateways", "Remove external gateways from a router", MEMBER, _GATEWAYS,
                 _remove_gateways, root="router", parts=_NAMED[:1]),
)  # fmt: skip

ROUTERS = Resource(
    name="router",
    plural="routers",
    kind=Router,
    not_found="RouterNotFound",
    attributes=(
        *IDENTITY,
        attribute("admin_state_up", boolean, May.SET),
        Attribute("status", lambda view, row: "ACTIVE", shape=schema.either("ACTIVE")),
        Attribute("external_gateway_info", _first, May.SET, gateway_info, "gateway", shape=schema.or_null(GATEWAY)),
        Attribute("external_gateways", _gateways, shape={"type": "array", "items": GATEWAY}),
        Attribute("routes", _routes, May.UPDATE, routes, "routes", shape={"type": "array", "items": ROUTE}),
        attribute("ha", boolean, May.SET),
        attribute("distributed", boolean, May.SET),
        attribute("enable_default_route_ecmp", boolean, May.SET, source="ecmp", usual=False),
        attribute("enable_default_route_bfd", boolean, May.SET, source="bfd", usual=False),
        attribute("enable_ndp_proxy", nullable(boolean, False), May.SET, source="ndp_proxy", usual=False,
                  shape=schema.BOOLEAN),
        Attribute("conntrack_helpers", _helpers, shape={"type": "array", "items": schema.OBJECT}),
        optional("flavor_id", nullable(uuid, ""), May.CREATE, shape=schema.or_null(UUID)),
        listed("availability_zone_hints", list_of(filled), May.CREATE, "zone_hints"),
        Attribute("availability_zones", _zones, shape=schema.TEXTS),
        tagged(),
        *STANDARD,
    ),
    access=Access(
        attributes=of_attributes(
            (WRITE, "external_gateway_info", MEMBER),
            (WRITE, "external_gateway_info:network_id", MEMBER),
            (WRITE, "external_gateway_info:enable_snat", ADMIN),
            (WRITE, "external_gateway_info:external_fixed_ips", ADMIN),
            (ALWAYS, "ha", ADMIN),
            (ALWAYS, "distributed", ADMIN),
            (WRITE, "enable_default_route_ecmp", ADMIN),
            (WRITE, "enable_default_route_bfd", ADMIN),
        ),
    ),
    create=routers.create,
    update=routers.update,
    delete=routers.delete,
    index={**OWNED, "name": "name", "flavor_id": "flavor_id"},
    tagged=True,
    actions=ACTIONS,
    extensions=(
        Extension("router", "Neutron L3 Router", "2012-07-20T10:00:00-00:00",
                  "Router abstraction for basic L3 forwarding between L2 Neutron networks and access to external "
                  "networks via a NAT gateway."),
        Extension("ext-gw-mode", "Neutron L3 Configurable external gateway mode", "2013-03-28T10:00:00-00:00",
                  "Extension of the router abstraction for specifying whether SNAT should occur on the external "
                  "gateway"),
        Extension("extraroute", "Neutron Extra Route", "2013-02-01T10:00:00-00:00",
                  "Extra routes configuration for L3 router"),
        Extension("dvr", "Distributed Virtual Router", "2014-06-1T10:00:00-00:00",
                  "Enables configuration of Distributed Virtual Routers."),
        Extension("l3-ha", "HA Router extension", "2014-04-26T00:00:00-00:00", "Adds HA capability to routers."),
        Extension("router-admin-state-down-before-update", "Enforce Router's Admin State Down Before Update Extension",
                  "2019-07-02T15:56:00",
                  "Ensure that the admin state of a router is DOWN (admin_state_up=False) before updating the "
                  "distributed attribute"),
        Extension("router_availability_zone", "Router Availability Zone", "2015-01-01T10:00:00-00:00",
                  "Availability zone support for router."),
        Extension("external-gateway-multihoming", "Neutron L3 External Gateway Multihoming",
                  "2023-01-18T00:00:00-00:00", "Allow multiple external gateway ports per router"),
        Extension("enable-default-route-ecmp", "Enable Default Route ECMP", "2023-02-27T00:00:00-00:00",
                  "Enables configurable ECMP behavior for default routes"),
        Extension("enable-default-route-bfd", "Enable Default Route BFD", "2023-02-27T00:00:00-00:00",
                  "Enables configurable BFD behavior for default routes"),
        Extension("extraroute-atomic", "Atomically add/remove extra routes", "2019-07-10T00:00:00+00:00",
                  "Edit extra routes of a router on server side by atomically adding/removing extra routes"),
    ),
)  # fmt: skip

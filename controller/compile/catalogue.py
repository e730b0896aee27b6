"""Catalogue of apps, by kind of flow set and kind of object, and the one choice among them."""

from __future__ import annotations

from functools import partial
from inspect import signature

from apps import arp, attach, base, l2, learn, limit, source, tracker_probe, zones
from apps.nat import answers as outside_answers
from apps.nat import floating, forwarding, gateway, metering, proxies, reached, translation
from apps.nat import routes as external_routes
from apps.routing import answers, asking, enter, errors, itself, mtu, resolve, routes, static
from apps.security import floods, groups, members, ports, rules, stages, verdicts
from apps.services import address, advertisements, dhcp4, dhcp6, dns, metadata, served
from controller.compile.compiler import App, Apps
from controller.compile.database_rows import RowUnit, RowUnits
from controller.flow import Rates
from topology import links, lldp_punt, overlay, provider, watches, wire_mtu

_FILTERS = (stages, ports, groups, rules, members, floods, verdicts, tracker_probe, zones)
_ROUTING = (answers, enter, itself, routes, mtu, resolve, static, errors, asking)
_NAT = (external_routes, floating, forwarding, gateway, outside_answers, metering, proxies, reached, translation)
_SERVICES = (address, served, dhcp4, dhcp6, advertisements, dns, metadata)
_ALL = (
    base, attach, l2, source, arp, learn, limit, overlay, lldp_punt, links, provider, *_FILTERS, *_ROUTING, *_NAT,
    *_SERVICES,
)  # fmt: skip
_ROLES = {  # what a module has -> the kind of flow set that it is for
    "ON_SWITCH": "switch",
    "IN_NETWORK": "network",
    "IN_ROUTER": "router",
    "IN_GROUP": "security_group",
    "IN_ADDRESS_SET": "address_set",
    "IN_PLAIN_ADDRESS_SET": "plain_address_set",
}


def apps(rates: Rates, permitted: tuple[int, ...] = ()) -> Apps:
    """The apps to compile with; a function of theirs that takes `rates` is given these, and likewise `permitted`: the
    ethertypes that filters let through beside ARP and IP.
    """
    given: dict[str, object] = {"rates": rates, "permitted": permitted}
    return {of: _by_owner(role, given) for role, of in _ROLES.items()}


def _by_owner(role: str, given: dict[str, object]) -> dict[str, list[App]]:
    found: dict[str, list[App]] = {}
    for app in _ALL:
        for kind, function in getattr(app, role, {}).items():
            taken = {name: given[name] for name in signature(function).parameters if name in given}
            found.setdefault(kind, []).append(partial(function, **taken) if taken else function)
    return found


_ROWS = (wire_mtu, watches)  # with rows of hypervisors' databases, in DATABASE


def row_units(mtu: int) -> RowUnits:
    """The units of databases.  A function that takes `wire_mtu` is given it: what a wire is to carry, in bytes."""
    found: dict[str, list[RowUnit]] = {}
    for unit in _ROWS:
        for kind, function in unit.DATABASE.items():
            given = "wire_mtu" in signature(function).parameters
            found.setdefault(kind, []).append(partial(function, wire_mtu=mtu) if given else function)
    return found

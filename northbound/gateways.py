"""Checks of gateways of routers: external_gateway_info, and the lists of several of them."""

from __future__ import annotations

from typing import Any

from controller.intent.router_gateways import MOST_GATEWAYS, GatewayRequest

from . import schema
from .checks import Check, Fault, boolean, fixed_ips, items, keys, shown, uuid

_PARTS: dict[str, Check] = {"network_id": uuid, "enable_snat": boolean, "external_fixed_ips": fixed_ips}
_INFO = schema.closed({name: schema.of(check) for name, check in _PARTS.items()}, "network_id")


_NOTHING = {"type": "object", "maxProperties": 0}


@schema.takes({"anyOf": [_INFO, _NOTHING, schema.NULL]})
def gateway_info(value: object) -> GatewayRequest | None:
    """{"network_id", "enable_snat", "external_fixed_ips"}; null, and {}, for none."""
    if value is None or value == {}:
        return None
    if not isinstance(value, dict):
        raise Fault(f"{shown(value)} is not a dictionary")
    unknown = value.keys() - set(_PARTS)
    if unknown:
        raise Fault(f"unknown key {shown(min(unknown))}")
    return _request(value)


@schema.takes({"anyOf": [schema.array(_INFO, MOST_GATEWAYS), _NOTHING]})
def gateways(value: object) -> tuple[GatewayRequest, ...]:
    """A list of the same, which may be empty; {}, which the `openstack` command sends, is an empty one."""
    if value == {}:
        return ()
    found = []
    for place, item in items(value):
        keys(item, _PARTS, place)
        found.append(_request(item))
    if len(found) > MOST_GATEWAYS:
        raise Fault(f"has {len(found)} items, more than {MOST_GATEWAYS}")
    return tuple(found)


def _request(value: dict[str, Any]) -> GatewayRequest:
    if "network_id" not in value:
        raise Fault("must have a network_id")
    return GatewayRequest(
        uuid(value["network_id"]),
        fixed_ips(value.get("external_fixed_ips", [])),
        boolean(value.get("enable_snat", True)),
    )

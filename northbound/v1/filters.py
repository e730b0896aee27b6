"""List filters of v1.  Filters by port attributes select a network when one of its ports matches all of them."""

from __future__ import annotations

from controller.model.rows import Network, Port
from controller.runtime import hub

from ..answer import SLICE
from ..errors import bad_request
from ..resource import ResourceView
from . import views

Query = dict[str, list[str]]
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_OF_PORTS = ("port", "port-state", "port-op-status", "attachment", "has-attachment")


def networks(view: ResourceView, found: list[Network], query: Query) -> list[Network]:
    of_ports = {name: query[name] for name in _OF_PORTS if name in query}
    return [
        network
        for network in hub.taking_turns(found, SLICE)
        if network.name in query.get("name", [network.name])
        and views.network_status(network) in query.get("op-status", [views.network_status(network)])
        and (not of_ports or ports(view, views.members(view, network), of_ports))
    ]


def ports(view: ResourceView, found: list[Port], query: Query) -> list[Port]:
    """Filter ports.  Here `op-status` is that of the port, not of its network."""
    statuses = query.get("port-op-status", query.get("op-status"))
    plugged = _boolean(query)
    return [
        port
        for port in hub.taking_turns(found, SLICE)
        if port.id in query.get("port", [port.id])
        and views.state(port) in query.get("port-state", [views.state(port)])
        and (statuses is None or views.port_status(view, port) in statuses)
        and ("attachment" not in query or views.attachment(view, port).get("id") in query["attachment"])
        and (plugged is None or bool(views.attachment(view, port)) == plugged)
    ]


def _boolean(query: Query) -> bool | None:
    if "has-attachment" not in query:
        return None
    value = query["has-attachment"][-1]
    if value.lower() not in _BOOLEANS:
        raise bad_request(f"has-attachment is {value[:64]!r}, which is neither True nor False.")
    return _BOOLEANS[value.lower()]

"""Routes of v2.0."""

from __future__ import annotations

from ..routes import RouteTable
from . import (
    actions,
    auto_topology,
    availability,
    bindings,
    dhcp_agents,
    flavors,
    floatingips,
    l3_agents,
    logs,
    providers,
    quotas,
    tags,
)
from .catalogue import RESOURCES
from .engine import below, collection, member

_SPELLED = {
    name.replace("_", "-"): name
    for name in ("floatingip_pools", *(each.path for each in RESOURCES if "_" in each.path))
}


def add(routes: RouteTable) -> None:
    for resource in RESOURCES:
        path = f"v2.0/{resource.pattern}"
        routes.add(path, collection(resource))
        routes.add(f"{path}/*", member(resource))
        if resource.tagged:
            routes.add(f"{path}/*/tags", below(resource, tags.collection(resource)))
            routes.add(f"{path}/*/tags/*", below(resource, tags.member(resource)))
        for action in resource.actions:
            routes.add(f"{path}/*/{action.name}", below(resource, actions.handlers(resource, action)))
    quotas.add(routes)
    bindings.add(routes)
    auto_topology.add(routes)
    flavors.add(routes)
    l3_agents.add(routes)
    dhcp_agents.add(routes)
    routes.add("v2.0/service-providers", {"GET": providers.list_all})
    routes.add("v2.0/availability_zones", {"GET": availability.zones})
    routes.add("v2.0/log/loggable-resources", {"GET": logs.loggable_resources})
    routes.add("v2.0/floatingip_pools", {"GET": floatingips.pools})


def path(of: str) -> str:
    """Without the `.json` that older clients put at the end of every path; a collection is named with `_` or `-`."""
    if not of.startswith("/v2.0/"):
        return of
    _, version, collection, *rest = of.removesuffix(".json").split("/")
    return "/".join(("", version, _SPELLED.get(collection, collection), *rest))

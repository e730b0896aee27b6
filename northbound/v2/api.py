"""Every path of v2.0."""

from __future__ import annotations

from ..routes import Routes
from . import absent, agents, availability, bindings, quotas, tags
from .agents import AGENTS
from .availability import IP_AVAILABILITIES
from .engine import collection, member
from .networks import NETWORKS
from .ports import PORTS
from .sharing import RBAC_POLICIES
from .subnetpools import ADDRESS_SCOPES, SUBNETPOOLS, prefix_operation
from .subnets import SUBNETS

RESOURCES = (NETWORKS, SUBNETS, PORTS, SUBNETPOOLS, ADDRESS_SCOPES, RBAC_POLICIES, AGENTS, IP_AVAILABILITIES)


def add(routes: Routes) -> None:
    for resource in RESOURCES:
        path = f"v2.0/{resource.path}"
        routes.add(path, collection(resource))
        routes.add(f"{path}/*", member(resource))
        if resource.tagged:
            routes.add(f"{path}/*/tags", tags.collection(resource))
            routes.add(f"{path}/*/tags/*", tags.member(resource))
    for action in ("add_prefixes", "remove_prefixes"):
        routes.add(f"v2.0/subnetpools/*/{action}", prefix_operation(action))
    routes.add("v2.0/agents/*", {"DELETE": agents.remove})
    quotas.add(routes)
    bindings.add(routes)
    routes.add("v2.0/availability_zones", {"GET": availability.zones})
    absent.add(routes)


def path(of: str) -> str:
    """Without the `.json` that older clients put at the end of every path."""
    return of.removesuffix(".json") if of.startswith("/v2.0/") else of

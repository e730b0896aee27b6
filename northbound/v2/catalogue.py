"""Resources of v2.0, in one list.  Paths, policies, descriptions, events and tests follow from it."""

from __future__ import annotations

from controller.model.rows import Row

from ..resource import Resource
from .address_groups import ADDRESS_GROUPS
from .agents import AGENTS
from .availability import IP_AVAILABILITIES
from .default_rules import DEFAULT_RULES
from .flavors import FLAVORS, SERVICE_PROFILES
from .floatingips import FLOATING_IPS
from .forwardings import PORT_FORWARDINGS
from .local_ips import LOCAL_IP_ASSOCIATIONS, LOCAL_IPS
from .logs import LOGS
from .metering import METERING_LABEL_RULES, METERING_LABELS
from .networks import NETWORKS
from .ports import PORTS
from .router_parts import CONNTRACK_HELPERS, NDP_PROXIES
from .routers import ROUTERS
from .scopes import ADDRESS_SCOPES
from .security import SECURITY_GROUP_RULES, SECURITY_GROUPS
from .sharing import RBAC_POLICIES
from .subnetpools import SUBNETPOOLS
from .subnets import SUBNETS

RESOURCES: list[Resource] = [
    NETWORKS,
    SUBNETS,
    PORTS,
    SECURITY_GROUPS,
    SECURITY_GROUP_RULES,
    SUBNETPOOLS,
    ADDRESS_SCOPES,
    ADDRESS_GROUPS,
    DEFAULT_RULES,
    LOGS,
    SERVICE_PROFILES,
    FLAVORS,
    ROUTERS,
    FLOATING_IPS,
    PORT_FORWARDINGS,
    CONNTRACK_HELPERS,
    NDP_PROXIES,
    METERING_LABELS,
    METERING_LABEL_RULES,
    LOCAL_IPS,
    LOCAL_IP_ASSOCIATIONS,
    RBAC_POLICIES,
    AGENTS,
    IP_AVAILABILITIES,
]


def resource_of(kind: type[Row]) -> Resource | None:
    """The resource that rows of a kind are shown as."""
    return next((each for each in RESOURCES if each.kind is kind), None)

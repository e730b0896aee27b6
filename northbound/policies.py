"""The rules of policy as they are by default: OpenStack's personas, and the names that its own policy files use.

*admin* is the operator; a project's *member* uses it, its *reader* reads; *service* is for other services of the
cloud.  Whoever owns a network has a say over what is on it.  Whether an object can be seen at all is asked before any
of this (`controller.intent.visibility`); an operator's file may override any rule here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from oslo_policy.policy import DocumentedRuleDefault, Operation, RuleDefault

from .field import Field

__all__ = ["RULES", "Field", "list_rules"]  # with Field, for the rules below are parsed as they are declared

ADMIN = "rule:admin_only"
SERVICE = "rule:service_api"
PROJECT_MEMBER = "role:member and project_id:%(project_id)s"
PROJECT_READER = "role:reader and project_id:%(project_id)s"
MEMBER = f"({ADMIN}) or ({PROJECT_MEMBER})"
READER = f"({ADMIN}) or ({PROJECT_READER})"
NETWORK_MEMBER = f"({ADMIN}) or (role:member and rule:network_owner)"
NETWORK_READER = "role:reader and rule:network_owner"
SHARED = "role:reader and rule:shared"
EXTERNAL = "role:reader and rule:external"
WILDCARD = "not field:rbac_policy:target_tenant=* and not field:rbac_policy:target_project=*"


def any_of(*rules: str) -> str:
    return " or ".join(f"({rule})" for rule in rules)


NAMED = (
    RuleDefault("context_is_admin", "role:admin", "Who is the operator"),
    RuleDefault("admin_only", "rule:context_is_admin", "The operator"),
    RuleDefault("service_api", "role:service", "Other services of the cloud"),
    RuleDefault("owner", "project_id:%(project_id)s", "Whose project the object is of"),
    RuleDefault("admin_or_owner", any_of("rule:context_is_admin", "rule:owner"), "The operator, or the owner"),
    RuleDefault("network_owner", "project_id:%(network:project_id)s", "Whose project the object's network is of"),
    RuleDefault("admin_or_network_owner", any_of("rule:context_is_admin", "rule:network_owner"),
                "The operator, or the owner of the object's network"),
    RuleDefault("regular_user", "role:reader", "Anybody with a role in a project"),
    RuleDefault("shared", "field:networks:shared=True", "On a network that is shared with the caller"),
    RuleDefault("external", "field:networks:router:external=True", "A network that routers may use as their way out"),
    RuleDefault("shared_subnetpools", "field:subnetpools:shared=True", "A subnet pool that is shared"),
    RuleDefault("shared_address_scopes", "field:address_scopes:shared=True", "An address scope that is shared"),
    RuleDefault("network_device", "field:port:device_owner=~^network:", "A port of the network's own services"),
    RuleDefault("default", MEMBER, "What has no rule of its own"),
)  # fmt: skip

CREATE, GET, UPDATE, DELETE = "create", "get", "update", "delete"
WRITE = (CREATE, UPDATE)
METHODS = {CREATE: "POST", GET: "GET", UPDATE: "PUT", DELETE: "DELETE"}


def _resource(
    path: str,
    name: str,
    operations: dict[str, str],
    attributes: Iterable[tuple[tuple[str, ...], str, str]] = (),
) -> Iterator[DocumentedRuleDefault]:
    """`operations`: who may create, get, update, delete.  `attributes`: (for which of them, attribute, who)."""
    for operation, check in operations.items():
        yield _rule(path, f"{operation}_{name}", check, f"{operation.capitalize()} a {name}", operation)
    for which, attribute, check in attributes:
        for operation in which:
            said = "See" if operation == GET else "Say"
            yield _rule(path, f"{operation}_{name}:{attribute}", check, f"{said} `{attribute}` of a {name}", operation)


def _rule(path: str, name: str, check: str, description: str, operation: str) -> DocumentedRuleDefault:
    paths = {CREATE: (path,), GET: (path, path + "/{id}"), UPDATE: (path + "/{id}",), DELETE: (path + "/{id}",)}
    calls: list[Operation] = [{"method": METHODS[operation], "path": each} for each in paths[operation]]
    return DocumentedRuleDefault(name, check, description, calls)


def _owned(read: str = READER, write: str = MEMBER) -> dict[str, str]:
    return {CREATE: write, GET: read, UPDATE: write, DELETE: write}


NETWORKS = _resource(
    "/v2.0/networks",
    "network",
    _owned(any_of(READER, SHARED, EXTERNAL, SERVICE)),
    (
        (WRITE, "shared", ADMIN),
        (WRITE, "router:external", ADMIN),
        (WRITE, "is_default", ADMIN),
        (WRITE, "port_security_enabled", MEMBER),
        *(((CREATE, GET, UPDATE), name, ADMIN)
          for name in ("segments", "provider:network_type", "provider:physical_network", "provider:segmentation_id")),
    ),
)  # fmt: skip

SUBNETS = _resource(
    "/v2.0/subnets",
    "subnet",
    _owned(any_of(READER, NETWORK_READER, SHARED, SERVICE), NETWORK_MEMBER),  # whoever's project the subnet is of
    (
        ((CREATE, GET, UPDATE), "segment_id", ADMIN),
        (WRITE, "service_types", NETWORK_MEMBER),
    ),
)

BY_NETWORK = any_of(NETWORK_MEMBER, SERVICE)

PORTS = _resource(
    "/v2.0/ports",
    "port",
    {
        CREATE: any_of(MEMBER, SERVICE),
        GET: any_of(READER, NETWORK_READER, SERVICE),
        UPDATE: any_of(MEMBER, SERVICE),
        DELETE: any_of(MEMBER, NETWORK_MEMBER, SERVICE),
    },
    (
        (WRITE, "device_owner", any_of("not rule:network_device", BY_NETWORK)),
        ((CREATE,), "mac_address", BY_NETWORK),
        ((UPDATE,), "mac_address", any_of(ADMIN, SERVICE)),
        ((CREATE,), "fixed_ips", any_of(BY_NETWORK, SHARED)),
        ((UPDATE,), "fixed_ips", BY_NETWORK),
        (WRITE, "fixed_ips:ip_address", BY_NETWORK),
        (WRITE, "fixed_ips:subnet_id", any_of(BY_NETWORK, SHARED)),
        (WRITE, "port_security_enabled", BY_NETWORK),
        (WRITE, "allowed_address_pairs", NETWORK_MEMBER),
        (WRITE, "allowed_address_pairs:mac_address", NETWORK_MEMBER),
        (WRITE, "allowed_address_pairs:ip_address", NETWORK_MEMBER),
        ((CREATE, GET, UPDATE), "binding:host_id", any_of(ADMIN, SERVICE)),
        ((CREATE, GET, UPDATE), "binding:profile", any_of(ADMIN, SERVICE)),
        ((GET,), "binding:vif_type", any_of(ADMIN, SERVICE)),
        ((GET,), "binding:vif_details", any_of(ADMIN, SERVICE)),
        (WRITE, "binding:vnic_type", any_of(MEMBER, SERVICE)),
        ((GET,), "tenet:status_reason", any_of(ADMIN, SERVICE)),
        ((UPDATE,), "data_plane_status", any_of(ADMIN, "role:data_plane_integrator")),
    ),
)

# Nova activates a binding on the host where it takes an instance
BINDINGS = _resource(
    "/v2.0/ports/{port_id}/bindings",
    "port_binding",
    _owned(any_of(ADMIN, SERVICE), any_of(ADMIN, SERVICE)),
)

SUBNETPOOLS = _resource(
    "/v2.0/subnetpools",
    "subnetpool",
    _owned(any_of(READER, "role:reader and rule:shared_subnetpools")),
    (((CREATE,), "shared", ADMIN), (WRITE, "is_default", ADMIN)),
)

ADDRESS_SCOPES = _resource(
    "/v2.0/address-scopes",
    "address_scope",
    _owned(any_of(READER, "role:reader and rule:shared_address_scopes")),
    ((WRITE, "shared", ADMIN),),
)

RBAC_POLICIES = _resource(
    "/v2.0/rbac-policies",
    "rbac_policy",
    _owned(),
    (
        (WRITE, "target_tenant", any_of(ADMIN, WILDCARD)),
        (WRITE, "target_project", any_of(ADMIN, WILDCARD)),
    ),
)

QUOTAS = _resource("/v2.0/quotas", "quota", {GET: READER, UPDATE: ADMIN, DELETE: ADMIN})
AGENTS = _resource("/v2.0/agents", "agent", {GET: ADMIN, UPDATE: ADMIN, DELETE: ADMIN})
AVAILABILITY = _resource("/v2.0/network-ip-availabilities", "network_ip_availability", {GET: ADMIN})
ZONES = _resource("/v2.0/availability_zones", "availability_zone", {GET: "rule:regular_user"})
TOPOLOGIES = _resource("/v2.0/auto-allocated-topology", "auto_allocated_topology", {GET: READER, DELETE: MEMBER})

POOL = "/v2.0/subnetpools/{id}"
OTHERS = (
    DocumentedRuleDefault("add_prefixes", MEMBER, "Add prefixes to a subnet pool",
                          [{"method": "PUT", "path": POOL + "/add_prefixes"}]),
    DocumentedRuleDefault("remove_prefixes", MEMBER, "Take prefixes out of a subnet pool",
                          [{"method": "PUT", "path": POOL + "/remove_prefixes"}]),
    DocumentedRuleDefault("onboard_network_subnets", MEMBER, "Take a network's subnets into a subnet pool",
                          [{"method": "PUT", "path": POOL + "/onboard_network_subnets"}]),
    DocumentedRuleDefault("plug_interface", any_of(MEMBER, SERVICE),
                          "Plug an interface into a port of Quantum v1.x, or unplug it",
                          [{"method": method, "path": "/v1.1/tenants/{tenant}/networks/{id}/ports/{id}/attachment"}
                           for method in ("PUT", "DELETE")]),
    DocumentedRuleDefault("get_switch", ADMIN, "See switches, their flows, and the wires between them",
                          [{"method": "GET", "path": f"/tenet/v1/{what}"}
                           for what in ("switches", "links", "topology", "trace", "unreachable", "refused",
                                        "claims")]),
    DocumentedRuleDefault("delete_switch", ADMIN, "Remove a switch that is gone for good",
                          [{"method": "DELETE", "path": "/tenet/v1/switches/{id}"}]),
    DocumentedRuleDefault("get_cluster", ADMIN, "See the members of the cluster",
                          [{"method": "GET", "path": "/tenet/v1/cluster"}]),
    DocumentedRuleDefault("update_cluster", ADMIN, "Drain or remove a member; accept a model that has shrunk",
                          [{"method": "POST", "path": "/tenet/v1/cluster/members/{id}/drain"},
                           {"method": "DELETE", "path": "/tenet/v1/cluster/members/{id}/drain"},
                           {"method": "DELETE", "path": "/tenet/v1/cluster/members/{id}"},
                           {"method": "POST", "path": "/tenet/v1/cluster/accept-empty"}]),
    DocumentedRuleDefault("get_metrics", ADMIN, "Read the metrics", [{"method": "GET", "path": "/metrics"}]),
)  # fmt: skip

RULES: tuple[RuleDefault, ...] = (
    *NAMED, *NETWORKS, *SUBNETS, *PORTS, *BINDINGS, *SUBNETPOOLS, *ADDRESS_SCOPES, *RBAC_POLICIES, *QUOTAS, *AGENTS,
    *AVAILABILITY, *ZONES, *TOPOLOGIES, *OTHERS,
)  # fmt: skip


def list_rules() -> list[RuleDefault]:
    """For oslo.policy's tools (entry point `oslo.policy.policies`)."""
    return list(RULES)

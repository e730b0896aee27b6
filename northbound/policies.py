"""Default policy rules: those that resources and calls declare, under OpenStack's names.

An operator's file may override any of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from oslo_policy.policy import RuleDefault

from .endpoints import ENDPOINTS, RULES, SERVICES
from .rules import ADMIN, DELETE, GET, MANAGER, MEMBER, NAMED, READER, SERVICE, UPDATE, Access, any_of, documented, rule
from .v2.catalogue import RESOURCES

_OTHERS = any_of(ADMIN, SERVICE)


def rules() -> list[RuleDefault]:
    return [*NAMED, *_of_resources(), *_of_calls()]


def _of_resources() -> Iterator[RuleDefault]:
    for resource in RESOURCES:
        path = f"/v2.0/{resource.path}"
        yield from documented(path, resource.policy_name, resource.access, resource.operations)
        for action in resource.actions:
            call = ("PUT", f"{path}/{{id}}/{action.name}")
            yield rule(action.name, action.rule, action.summary, call)
            for part, check in action.parts:
                yield rule(f"{action.name}:{part}", check, f"{action.summary}: say `{part}`", call)


def _of_calls() -> Iterator[RuleDefault]:
    # Nova activates a binding on the host where it takes an instance
    bindings = Access(_OTHERS, _OTHERS, _OTHERS, _OTHERS)
    yield from documented("/v2.0/ports/{port_id}/bindings", "port_binding", bindings, ("create", GET, UPDATE, DELETE))
    for verb, method in (("create", "POST"), ("update", "PUT"), ("delete", "DELETE")):
        yield rule(f"{verb}_l3-router", ADMIN, f"{verb.capitalize()} a l3-router",
                   (method, "/v2.0/agents/{agent_id}/l3-routers"))  # fmt: skip
    yield rule("get_l3-routers", ADMIN, "Get the routers of a host", ("GET", "/v2.0/agents/{agent_id}/l3-routers"))
    yield rule("get_l3-agents", ADMIN, "Get the hosts of a router", ("GET", "/v2.0/routers/{router_id}/l3-agents"))
    for verb, method in (("create", "POST"), ("delete", "DELETE")):
        yield rule(f"{verb}_dhcp-network", ADMIN, f"{verb.capitalize()} a dhcp-network",
                   (method, "/v2.0/agents/{agent_id}/dhcp-networks"))  # fmt: skip
    yield rule("get_dhcp-networks", ADMIN, "Get the networks that a host serves with DHCP",
               ("GET", "/v2.0/agents/{agent_id}/dhcp-networks"))  # fmt: skip
    yield rule("get_dhcp-agents", ADMIN, "Get the hosts that serve a network with DHCP",
               ("GET", "/v2.0/networks/{network_id}/dhcp-agents"))  # fmt: skip
    yield rule("get_service_provider", "role:reader", "Get a service provider", ("GET", "/v2.0/service-providers"))
    profiles = Access(ADMIN, "role:reader", ADMIN, ADMIN)
    yield from documented("/v2.0/flavors/{flavor_id}/service_profiles", "flavor_service_profile", profiles,
                          ("create", GET, DELETE))  # fmt: skip
    yield from documented("/v2.0/auto-allocated-topology", "auto_allocated_topology", Access("", READER, "", MEMBER),
                          (GET, DELETE))  # fmt: skip
    yield from documented("/v2.0/quotas", "quota", Access("", READER, ADMIN, ADMIN), (GET, UPDATE, DELETE))
    yield rule("get_availability_zone", "rule:regular_user", "Get a availability_zone",
               ("GET", "/v2.0/availability_zones"))  # fmt: skip
    yield rule("get_loggable_resource", MANAGER, "List what can be logged", ("GET", "/v2.0/log/loggable-resources"))
    yield rule("get_floatingip_pool", READER, "List where floating IPs have their addresses from",
               ("GET", "/v2.0/floatingip_pools"))  # fmt: skip
    attachment = "/v1.1/tenants/{tenant}/networks/{id}/ports/{id}/attachment"
    yield rule("plug_interface", any_of(MEMBER, SERVICE), "Plug an interface into a port of Quantum v1.x, or unplug it",
               ("PUT", attachment), ("DELETE", attachment))  # fmt: skip
    yield rule("plug_interface_by_name", _OTHERS,
               "Plug any interface by its name, not a VIF by its UUID or what `offered_interfaces` has",
               ("PUT", attachment))  # fmt: skip
    for name, description in RULES.items():
        calls = [(each.method, each.path) for each in ENDPOINTS if each.rule == name]
        yield rule(name, _OTHERS if name in SERVICES else ADMIN, description, *calls)


def list_rules() -> list[RuleDefault]:
    """For oslo.policy's tools (entry point `oslo.policy.policies`)."""
    return rules()

"""Random plans of routed networks."""

from __future__ import annotations

import random

from tests.routing.plan import FAMILIES, Plan, PlannedHost, PlannedNetwork, PlannedRoute, PlannedRouter

FIRST_ROUTER, FIRST_HOST, NOBODY = 241, 11, 99  # in the last part of an address


def plan(chance: random.Random, prefix: str = "", hosts: int = 6) -> Plan:
    """Up to five networks, joined by up to four routers; `prefix` begins all names."""
    networks = {}
    for number in range(1, chance.randint(2, 5) + 1):
        families = chance.choice([FAMILIES, FAMILIES, FAMILIES, (4,), (6,)])
        networks[f"{prefix}n{number}"] = PlannedNetwork(f"{prefix}n{number}", number, families)
    names = list(networks)
    routers = {}
    for number in range(chance.randint(1, 4)):
        on = tuple(sorted(chance.sample(names, min(len(names), chance.choice([1, 2, 2, 3])))))
        name = f"{prefix}r{number}"
        routers[name] = PlannedRouter(name, FIRST_ROUTER + number, on, split=chance.random() < 0.3)
    made = {}
    for number in range(hosts):
        network = chance.choice(names)
        near = [one.name for one in routers.values() if network in one.networks]
        gateway = chance.choice(near) if near and chance.random() < 0.9 else ""
        name = f"{prefix}h{number}"
        made[name] = PlannedHost(name, network, FIRST_HOST + number, gateway)
    bare = Plan(networks, routers, made)
    return bare._replace(
        routers={name: one._replace(routes=routes(chance, bare, one)) for name, one in routers.items()}
    )


def routes(chance: random.Random, of: Plan, router: PlannedRouter) -> tuple[PlannedRoute, ...]:
    """Static routes; none for the prefix of one of its own networks, which the API would take and Linux not keep apart
    from the connected one.
    """
    found: dict[PlannedRoute, None] = {}
    for _ in range(chance.randint(0, 6)):
        network = of.networks[chance.choice(router.networks)]
        family = chance.choice(network.families)
        others = [one.nth for one in of.routers_on(network.name) if one is not router and one.nth != router.nth]
        hosts = [one.nth for one in of.hosts.values() if one.network == network.name]
        nexthop = network.address(chance.choice([*others * 4, *hosts, NOBODY]), family)
        own = {str(of.networks[name].prefix(family)) for name in router.networks}
        destination = chance.choice(_destinations(chance, of, family))
        if destination not in own:
            found[PlannedRoute(destination, nexthop)] = None
    return tuple(found)


def _destinations(chance: random.Random, of: Plan, family: int) -> list[str]:
    """Prefixes of every length that overlap."""
    networks = [one for one in of.networks.values() if family in one.families]
    to = chance.choice(networks)
    host = to.address(FIRST_HOST + chance.randint(0, 5), family)
    if family == 4:
        whole, half = "0.0.0.0/0", f"10.0.{to.number}.0/28"
        return [whole, "10.0.0.0/16", str(to.prefix(4)), str(to.prefix(4)), half, f"{host}/32", "192.168.7.0/24"]
    return ["::/0", "2001:db8::/48", str(to.prefix(6)), str(to.prefix(6)), f"{host}/128", "2001:db8:7::/64"]

"""One object of every resource that can be made: what the tests that enumerate resources make of each.

A resource without a sample fails `test_every_resource.py`, so that no suite passes one by.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from northbound.resource import Resource
from northbound.rules import ADMIN
from northbound.v2.catalogue import RESOURCES

from .conftest import Api, Reply

An = Callable[[str], str]  # name of a resource -> id of an object that there is

# The attributes of the n-th object (0..255) of a project; others that it needs come before it.
SAMPLES: dict[str, Callable[[An, int], dict[str, Any]]] = {
    "network": lambda an, n: {"name": f"n{n}"},
    "subnet": lambda an, n: {"network_id": an("network"), "ip_version": 4, "cidr": f"10.{n}.0.0/24", "name": f"n{n}"},
    "port": lambda an, n: {"network_id": an("network"), "name": f"n{n}", "device_id": f"n{n}"},
    "security_group": lambda an, n: {"name": f"n{n}"},
    "security_group_rule": lambda an, n: {
        "security_group_id": an("security_group"), "direction": "ingress", "protocol": "tcp", "port_range_min": n + 1,
        "port_range_max": n + 1,
    },
    "address_scope": lambda an, n: {"name": f"n{n}", "ip_version": 4},
    "address_group": lambda an, n: {"name": f"n{n}", "addresses": [f"12.{n}.0.0/24", f"2001:db8:{n}::1/128"]},
    "subnetpool": lambda an, n: {
        "name": f"n{n}", "prefixes": [f"11.{n}.0.0/16"], "default_prefixlen": 24,
        "address_scope_id": an("address_scope"),
    },
    "default_security_group_rule": lambda an, n: {
        "direction": "ingress", "protocol": "tcp", "port_range_min": n + 1, "port_range_max": n + 1,
        "used_in_default_sg": True, "used_in_non_default_sg": False,
    },
    "log": lambda an, n: {"name": f"n{n}", "resource_type": "security_group", "target_id": an("port"), "event": "DROP"},
    "service_profile": lambda an, n: {"description": f"n{n}", "metainfo": f"n{n}"},
    "flavor": lambda an, n: {"name": f"n{n}", "service_type": "L3_ROUTER_NAT"},
    "router": lambda an, n: {"name": f"n{n}"},
    "floatingip": lambda an, n: {"floating_network_id": an(OUTSIDE), "description": f"n{n}"},
    "port_forwarding": lambda an, n: {
        "internal_port_id": an("port"), "protocol": "tcp", "external_port": n + 1, "internal_port": n + 1,
        "description": f"n{n}",
    },
    "conntrack_helper": lambda an, n: {"protocol": "tcp", "port": n + 1, "helper": "ftp"},
    "ndp_proxy": lambda an, n: {
        "name": f"n{n}", "router_id": an("router"), "port_id": an(PROXIED), "ip_address": f"{INSIDE}1{n % 16:x}",
    },
    "metering_label": lambda an, n: {"name": f"n{n}"},
    "metering_label_rule": lambda an, n: {
        "metering_label_id": an("metering_label"), "direction": "ingress", "remote_ip_prefix": f"13.{n}.0.0/16",
    },
    "local_ip": lambda an, n: {"name": f"n{n}", "network_id": an("network")},
    "port_association": lambda an, n: {"fixed_port_id": an(f"served_port_{n % SERVED}")},
    "rbac_policy": lambda an, n: {
        "object_type": "network", "object_id": an("network"), "action": "access_as_shared",
        "target_tenant": f"green{n}",
    },
}  # fmt: skip


# What samples need beside the objects of other samples: an external network of the project's own, which the project
# makes so by sharing it with itself; a router that leads from it to the subnet; ports with
# IPv6 of the same scope, and others in the network.
OUTSIDE, POOL, PROXIED = "external_network", "ipv6_pool", "proxied_port"
Ask = Callable[[str, str, dict[str, Any]], dict[str, Any]]  # method, path below /v2.0/, body -> answer
INSIDE, SERVED = "2001:db8:0:7::", 4
Found = dict[str, dict[str, Any]]


def outside(ask: Ask) -> Found:
    """The external network, and the pool of its IPv6 subnet."""
    scope = ask("POST", "address-scopes", {"address_scope": {"name": "outside", "ip_version": 6}})["address_scope"]
    prefixes = {"prefixes": ["2001:db8::/48"], "default_prefixlen": 64, "address_scope_id": scope["id"]}
    pool = ask("POST", "subnetpools", {"subnetpool": {"name": "outside", **prefixes}})["subnetpool"]
    network = ask("POST", "networks", {"network": {"name": "outside"}})["network"]
    subnet = {"network_id": network["id"], "ip_version": 4, "cidr": "198.18.0.0/15"}
    ask("POST", "subnets", {"subnet": subnet})
    subnet = {"network_id": network["id"], "ip_version": 6, "subnetpool_id": pool["id"]}
    ask("POST", "subnets", {"subnet": subnet})
    policy = {"object_type": "network", "object_id": network["id"], "action": "access_as_external",
              "target_tenant": network["project_id"]}  # fmt: skip
    ask("POST", "rbac-policies", {"rbac_policy": policy})
    return {OUTSIDE: network, POOL: pool}


def connect(ask: Ask, an: An, name: str) -> Found:
    """After the router was made: it leads from the external network to the subnet, and to a port with IPv6."""
    if name != "router":
        return {}
    router = {"external_gateway_info": {"network_id": an(OUTSIDE)}, "enable_ndp_proxy": True}
    ask("PUT", f"routers/{an(name)}", {"router": router})
    network = ask("POST", "networks", {"network": {"name": "inside"}})["network"]
    wanted = {"network_id": network["id"], "ip_version": 6, "subnetpool_id": an(POOL), "cidr": f"{INSIDE}/64"}
    subnet = ask("POST", "subnets", {"subnet": wanted})["subnet"]
    for each in (an("subnet"), subnet["id"]):
        ask("PUT", f"routers/{an(name)}/add_router_interface", {"subnet_id": each})
    addresses = [{"ip_address": f"{INSIDE}1{number:x}"} for number in range(16)]
    port = {"network_id": network["id"], "fixed_ips": addresses}
    served = {"network_id": an("network")}
    return {PROXIED: ask("POST", "ports", {"port": port})["port"]} | {
        f"served_port_{number}": ask("POST", "ports", {"port": served})["port"] for number in range(SERVED)
    }


def disconnect(ask: Ask, an: An, found: Found, name: str) -> None:
    """Before it is deleted."""
    if name == "router" and PROXIED in found:
        for each in (an("subnet"), found[PROXIED]["fixed_ips"][0]["subnet_id"]):
            ask("PUT", f"routers/{an(name)}/remove_router_interface", {"subnet_id": each})
        for number in range(SERVED):
            ask("DELETE", f"ports/{an(f'served_port_{number}')}", {})


def asking(person: Api) -> Ask:
    def ask(method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        reply = person.call(method, f"/v2.0/{path}", body or None)
        assert reply.status < 300, reply.body
        found: dict[str, Any] = reply.json if reply.body else {}
        return found

    return ask


# Objects of a project that come with the others: its default security group, the rules that groups begin with, what
# `outside` and `connect` make, the router's interfaces, and the port of a local IP.
COME_ALONG = {"security_group": 1, "security_group_rule": 4 + 2, "network": 2, "subnet": 3, "port": 8,
              "rbac_policy": 1, "address_scope": 1, "subnetpool": 1}  # fmt: skip


def named(name: str) -> Resource:
    return next(each for each in RESOURCES if each.name == name)


def every() -> list[Resource]:
    """In the order in which they can be made."""
    return [named(name) for name in SAMPLES]


def creatable() -> list[Resource]:
    """Those that a project can make."""
    return [each for each in every() if each.access.create != ADMIN]


def path(resource: Resource, an: An) -> str:
    """Of its list."""
    return re.sub(r"\{(\w+)_id\}", lambda found: an(found[1]), f"/v2.0/{resource.path}")


def post(person: Api, resource: Resource, an: An, number: int, query: str = "") -> Reply:
    body = {resource.name: SAMPLES[resource.name](an, number)}
    return person.call("POST", path(resource, an) + query, body)


def made(person: Api, resource: Resource, an: An, number: int) -> dict[str, Any]:
    reply = post(person, resource, an, number)
    assert reply.status == 201, reply.body
    found: dict[str, Any] = reply.json[resource.name]
    return found


def list_path(person: Api, resource: Resource) -> str:
    """Of a resource that is a part of another, below an object that is made for it."""
    return path(resource, those_of(one_of_each(person, 1))) if resource.parent else f"/v2.0/{resource.path}"


def one_of_each(person: Api, number: int, last: str = "") -> dict[str, dict[str, Any]]:
    """By the name of the resource; up to the one that is called `last`, of which nothing is a part yet.

    What `outside` and `connect` make is among them.
    """
    ask = asking(person)
    found = outside(ask)
    for resource in creatable():
        found[resource.name] = made(person, resource, those_of(found), number)
        if resource.name == last:
            break
        found |= connect(ask, those_of(found), resource.name)
    return found


def those_of(found: Mapping[str, Mapping[str, Any]]) -> An:
    return lambda name: str(found[name]["id"])

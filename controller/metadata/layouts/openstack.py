"""OpenStack's layout of instance metadata, as cloud-init's DataSourceOpenStack reads it.

https://docs.openstack.org/nova/latest/user/metadata.html; network_data.json as its schema there.
"""

from __future__ import annotations

import ipaddress
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from controller.services.instance import Instance, InstanceAddress, InstanceInterface

from .tree import Document, Tree, found

VERSIONS = ("2012-08-10", "2013-04-04", "2013-10-17", "2015-10-15", "2016-06-30", "2016-10-06", "2017-02-22",
            "2018-08-27", "2020-10-14", "latest")  # fmt: skip
_ZONE = "nova"


def document(instance: Instance, parts: Sequence[str]) -> Document | None:
    if not parts:
        return Document("\n".join(VERSIONS).encode())
    if parts[0] not in VERSIONS:
        return None
    told = instance.metadata
    tree: dict[str, Tree] = {
        "meta_data.json": lambda: _json(_meta_data(instance)),
        "network_data.json": lambda: _json(network_data(instance)),
        "vendor_data.json": lambda: _json(told.vendor_data),
        "vendor_data2.json": lambda: _json({}),
    }
    if told.user_data or told.user_data_base64:
        tree["user_data"] = told.user_data.encode() or b64decode(told.user_data_base64)
    return found(tree, parts[1:], _listing)


def _listing(branch: Mapping[str, Tree]) -> str:
    return "\n".join(branch)


def _json(value: object) -> Document:
    return Document(msgspec.json.encode(value), "application/json")


def _meta_data(instance: Instance) -> dict[str, Any]:
    told = instance.metadata
    name = instance.hostname or f"host-{instance.id}"
    found: dict[str, Any] = {
        "uuid": instance.id,
        "name": name,
        "hostname": name,
        "project_id": instance.project_id,
        "availability_zone": _ZONE,
        "launch_index": 0,
        "devices": [],
    }
    if told.public_keys:
        found["public_keys"] = told.public_keys
        found["keys"] = [{"name": name, "type": "ssh", "data": key} for name, key in told.public_keys.items()]
    if told.meta:
        found["meta"] = told.meta
    return found


def network_data(instance: Instance) -> dict[str, Any]:
    links = [
        {"id": _link(each), "vif_id": each.port_id, "type": "ovs", "mtu": each.mtu,
         "ethernet_mac_address": each.mac_address}
        for each in instance.interfaces
    ]  # fmt: skip
    networks = [network for each in instance.interfaces for network in _networks(each)]
    for number, network in enumerate(networks):
        network["id"] = f"network{number}"
    servers = [server for each in instance.interfaces for at in each.addresses for server in at.dns_nameservers]
    services = [{"type": "dns", "address": server} for server in dict.fromkeys(servers)]
    return {"links": links, "networks": networks, "services": services}


def _link(interface: InstanceInterface) -> str:
    return f"tap{interface.port_id[:11]}"


_MODES = {
    "slaac": "ipv6_slaac", "dhcpv6-stateless": "ipv6_dhcpv6-stateless", "dhcpv6-stateful": "ipv6_dhcpv6-stateful",
}  # fmt: skip


def _networks(interface: InstanceInterface) -> Iterator[dict[str, Any]]:
    for at in interface.addresses:
        six = ":" in at.ip_address
        told = {"link": _link(interface), "network_id": interface.network_id}
        if at.dhcp and not six:
            yield {**told, "type": "ipv4_dhcp"}
        elif six and (mode := _MODES.get(at.address_mode)):
            yield {**told, "type": mode}
        else:
            yield {**told, "type": "ipv6" if six else "ipv4", **_static(at)}


def _static(at: InstanceAddress) -> dict[str, Any]:
    prefix = ipaddress.ip_network(at.cidr)
    routes = [_route(destination, hop) for destination, hop in at.host_routes]
    if at.gateway_ip:
        routes.append(_route("::/0" if prefix.version == 6 else "0.0.0.0/0", at.gateway_ip))
    services = [{"type": "dns", "address": server} for server in at.dns_nameservers]
    return {"ip_address": at.ip_address, "netmask": str(prefix.netmask), "routes": routes, "services": services}


def _route(destination: str, hop: str) -> dict[str, str]:
    prefix = ipaddress.ip_network(destination, strict=False)
    return {"network": str(prefix.network_address), "netmask": str(prefix.netmask), "gateway": hop}

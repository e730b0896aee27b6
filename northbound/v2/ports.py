"""Ports of v2.0, as declared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from controller.intent import ports
from controller.model.rows import Interface, Port, Switch

from ..checks import boolean, fixed_ips, mac, one_of, optional_text, text, uuid
from ..resource import SEVERAL, Attribute, May, Resource, View, attribute
from ..structures import dhcp_options, nullable, pairs, profile, security_groups
from .common import IDENTITY, OWNED, STANDARD, optional, tagged


def _fixed_ips(view: View, port: Port) -> list[dict[str, str]]:
    return [{"subnet_id": fixed.subnet_id, "ip_address": fixed.ip_address} for fixed in port.fixed_ips]


def _pairs(view: View, port: Port) -> list[dict[str, str]]:
    return [{"ip_address": pair.ip_address, "mac_address": pair.mac_address} for pair in port.address_pairs]


def _options(view: View, port: Port) -> list[dict[str, object]]:
    return [{"opt_name": each.name, "opt_value": each.value, "ip_version": each.ip_version}
            for each in port.dhcp_options]  # fmt: skip


def host(view: View, port: Port) -> str:
    """As asked, else where the port's interface is."""
    if port.host:
        return port.host
    interface = view.model.placement.bindings.get(port.id)
    if interface is None:
        return ""
    switch = view.model.get(Switch, interface.switch_id)
    return (switch.host if switch is not None else "") or interface.switch_id


def _on_hosts(view: View, hosts: Sequence[str]) -> list[Port]:
    """Ports that are bound to these hosts, and those whose interfaces are there."""
    model = view.model
    found = [port for each in hosts for port in model.find(Port, "host", each)]
    switches = [switch.id for switch in model.rows(Switch).values() if (switch.host or switch.id) in hosts]
    vifs = {interface.vif for each in switches for interface in model.find(Interface, "switch_id", each)}
    return found + [port for vif in vifs for port in model.find(Port, "vif", vif)]


def shown_profile(view: View, port: Port) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(port.profile) if port.profile else {}
    return found | ({"interface": port.interface_id} if port.interface_id else {})


def _vif_type(view: View, port: Port) -> str:
    return "ovs" if host(view, port) else "unbound"


# What Nova asks of an Open vSwitch port; `port_filter` false, for there are no security groups.
VIF_DETAILS = {"bridge_name": "br-int", "connectivity": "l2", "ovs_hybrid_plug": False, "port_filter": False}


def _vif_details(view: View, port: Port) -> dict[str, object]:
    return dict(VIF_DETAILS) if host(view, port) else {}


PORTS = Resource(
    name="port",
    plural="ports",
    kind=Port,
    not_found="PortNotFound",
    attributes=(
        *IDENTITY,
        attribute("network_id", uuid, May.CREATE, required=True),
        attribute("admin_state_up", boolean, May.SET),
        Attribute("status", lambda view, row: view.statuses.port(row)[0]),
        Attribute("tenet:status_reason", lambda view, row: view.statuses.port(row)[1]),
        attribute("mac_address", nullable(mac, ""), May.SET),
        Attribute("fixed_ips", _fixed_ips, May.SET, fixed_ips, "fixed_ips"),
        attribute("device_id", text, May.SET),
        attribute("device_owner", text, May.SET),
        attribute("port_security_enabled", boolean, May.SET, source="port_security"),
        Attribute("allowed_address_pairs", _pairs, May.SET, pairs, "address_pairs"),
        Attribute("security_groups", lambda view, row: [], May.SET, security_groups),
        Attribute("extra_dhcp_opts", _options, May.SET, dhcp_options, "dhcp_options"),
        optional("data_plane_status", nullable(one_of("ACTIVE", "DOWN"), ""), May.UPDATE),
        Attribute("binding:host_id", host, May.SET, optional_text, "host"),
        Attribute("binding:profile", shown_profile, May.SET, profile, SEVERAL),
        Attribute("binding:vnic_type", lambda view, row: "normal", May.SET, one_of("normal")),
        Attribute("binding:vif_type", _vif_type),
        Attribute("binding:vif_details", _vif_details),
        tagged(May.CREATE),
        *STANDARD,
    ),
    create=ports.create,
    update=ports.update,
    delete=ports.delete,
    index={
        "network_id": "network_id", **OWNED, "name": "name", "mac_address": "mac_address", "device_id": "device_id",
        "device_owner": "device_owner", "fixed_ips.ip_address": "addresses", "fixed_ips.subnet_id": "subnets",
    },
    finders={"binding:host_id": _on_hosts},
    tagged=True,
)  # fmt: skip

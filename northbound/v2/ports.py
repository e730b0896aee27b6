"""Ports of v2.0, as declared."""

from __future__ import annotations

from controller.intent import ports
from controller.model.kinds import Port, Switch

from ..checks import binding_profile, boolean, fixed_ips, mac, one_of, optional_text, text, uuid
from ..resource import Attribute, May, Resource, View, attribute
from .common import IDENTITY, STANDARD


def _fixed_ips(view: View, port: Port) -> list[dict[str, str]]:
    return [{"subnet_id": fixed.subnet_id, "ip_address": fixed.ip_address} for fixed in port.fixed_ips]


def host(view: View, port: Port) -> str:
    """As asked, else where the port's interface is."""
    if port.host:
        return port.host
    interface = view.model.placement.bindings.get(port.id)
    if interface is None:
        return ""
    switch = view.model.get(Switch, interface.switch_id)
    return (switch.host if switch is not None else "") or interface.switch_id


def _profile(view: View, port: Port) -> dict[str, str]:
    return {"interface": port.interface_id} if port.interface_id else {}


def _vif_type(view: View, port: Port) -> str:
    return "ovs" if host(view, port) else "unbound"


def _vif_details(view: View, port: Port) -> dict[str, object]:
    """What Nova asks of an Open vSwitch port; `port_filter` false, for there are no security groups."""
    if not host(view, port):
        return {}
    return {"bridge_name": "br-int", "connectivity": "l2", "ovs_hybrid_plug": False, "port_filter": False}


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
        attribute("mac_address", mac, May.SET),
        Attribute("fixed_ips", _fixed_ips, May.SET, fixed_ips, "fixed_ips"),
        attribute("device_id", text, May.SET),
        attribute("device_owner", text, May.SET),
        Attribute("binding:host_id", host, May.SET, optional_text, "host"),
        Attribute("binding:profile", _profile, May.SET, binding_profile, "interface_id"),
        Attribute("binding:vnic_type", lambda view, row: "normal", May.SET, one_of("normal")),
        Attribute("binding:vif_type", _vif_type),
        Attribute("binding:vif_details", _vif_details),
        *STANDARD,
    ),
    create=ports.create,
    update=ports.update,
    delete=ports.delete,
    index={"network_id": "network_id", "project_id": "project_id", "tenant_id": "project_id"},
)

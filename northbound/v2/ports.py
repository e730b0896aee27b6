"""Ports of v2.0, as declared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from controller.intent import ports
from controller.model import names
from controller.model.hosts import host_of
from controller.model.rows import Interface, Port, Switch

from ..checks import boolean, fixed_ips, mac, one_of, optional_text, text, uuid
from ..domain_names import host_name, keyword_domain
from ..resource import SEVERAL, Attribute, Extension, May, Part, Resource, ResourceView, attribute
from ..rules import (
    ADMIN,
    ALWAYS,
    CREATE,
    GET,
    MEMBER,
    NETWORK_MEMBER,
    NETWORK_READER,
    READER,
    SERVICE,
    SHARED,
    UPDATE,
    WRITE,
    Access,
    any_of,
    of_attributes,
)
from ..schema import OBJECT, SHOWN_TEXT, closed, either
from ..structures import dhcp_options, nullable, pairs, profile, security_groups
from ..told import decoded, told
from .common import IDENTITY, OWNED, STANDARD, optional, tagged


def _fixed_ips(view: ResourceView, port: Port) -> list[dict[str, str]]:
    return [{"subnet_id": fixed.subnet_id, "ip_address": fixed.ip_address} for fixed in port.fixed_ips]


def _pairs(view: ResourceView, port: Port) -> list[dict[str, str]]:
    return [{"ip_address": pair.ip_address, "mac_address": pair.mac_address} for pair in port.address_pairs]


def _options(view: ResourceView, port: Port) -> list[dict[str, object]]:
    return [{"opt_name": each.name, "opt_value": each.value, "ip_version": each.ip_version}
            for each in port.dhcp_options]  # fmt: skip


def _groups(view: ResourceView, port: Port) -> list[str]:
    return list(port.security_groups or ())


def _names(view: ResourceView, port: Port) -> list[dict[str, str]]:
    return [{"ip_address": address, "hostname": host, "fqdn": fqdn}
            for address, host, fqdn in names.assignments(port, view.model, view.naming)]  # fmt: skip


def host(view: ResourceView, port: Port) -> str:
    """As asked, else where the port's interface is."""
    return port.host or host_of(view.model, port)


def _on_hosts(view: ResourceView, hosts: Sequence[str]) -> list[Port]:
    """Ports that are bound to these hosts, and those whose interfaces are there."""
    model = view.model
    found = [port for each in hosts for port in model.find(Port, "host", each)]
    switches = [switch.id for switch in model.rows(Switch).values() if (switch.host or switch.id) in hosts]
    vifs = {interface.vif for each in switches for interface in model.find(Interface, "switch_id", each)}
    return found + [port for vif in vifs for port in model.find(Port, "vif", vif)]


def shown_profile(view: ResourceView, port: Port) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(port.profile) if port.profile else {}
    return found | ({"interface": port.interface_id} if port.interface_id else {})


# What Nova asks of an Open vSwitch port; `port_filter`: security groups are enforced here, and not by Nova.
VIF_DETAILS = {"bridge_name": "br-int", "connectivity": "l2", "ovs_hybrid_plug": False, "port_filter": True}


def _bound(view: ResourceView, port: Port) -> tuple[str, str, dict[str, object]]:
    """(host, type of the VIF, its details)"""
    where = host(view, port)
    return (where, "ovs", dict(VIF_DETAILS)) if where else ("", "unbound", {})


def _status(view: ResourceView, port: Port) -> tuple[str, str]:
    return view.statuses.port(port)


_EACH = names.Assignment._fields
NAMES = {"type": "array", "items": closed(dict.fromkeys(_EACH, SHOWN_TEXT), *_EACH)}


def _told(view: ResourceView, port: Port) -> dict[str, Any]:
    """For its owner and operators alone: it may have secrets, and the network's owner sees ports of others, too."""
    caller = view.caller
    return decoded(port.metadata) if caller.operator or caller.project_id == port.project_id else {}


BY_NETWORK = any_of(NETWORK_MEMBER, SERVICE)
OTHERS = any_of(ADMIN, SERVICE)  # the operator, and Nova

PORTS = Resource(
    name="port",
    plural="ports",
    kind=Port,
    not_found="PortNotFound",
    attributes=(
        *IDENTITY,
        attribute("network_id", uuid, May.CREATE, required=True),
        attribute("admin_state_up", boolean, May.SET),
        Attribute("status", Part(_status, 0),
                  shape=either("ACTIVE", "BUILD", "DOWN", "ERROR", "N/A")),
        Attribute("tenet:status_reason", Part(_status, 1), shape=SHOWN_TEXT),
        attribute("mac_address", nullable(mac, ""), May.SET, shape=SHOWN_TEXT),
        Attribute("fixed_ips", _fixed_ips, May.SET, fixed_ips, "fixed_ips"),
        attribute("device_id", text, May.SET),
        attribute("device_owner", text, May.SET, usual=""),
        attribute("port_security_enabled", boolean, May.SET, source="port_security", usual=True),
        Attribute("allowed_address_pairs", _pairs, May.SET, pairs, "address_pairs", usual=[]),
        Attribute("security_groups", _groups, May.SET, security_groups, "security_groups"),
        Attribute("extra_dhcp_opts", _options, May.SET, dhcp_options, "dhcp_options"),
        attribute("dns_name", host_name, May.SET, shape=SHOWN_TEXT),
        attribute("dns_domain", keyword_domain, May.SET, shape=SHOWN_TEXT),
        Attribute("dns_assignment", _names, shape=NAMES),
        optional("data_plane_status", nullable(one_of("ACTIVE", "DOWN"), ""), May.UPDATE),
        Attribute("binding:host_id", Part(_bound, 0), May.SET, optional_text, "host", shape=SHOWN_TEXT, usual=""),
        Attribute("binding:profile", shown_profile, May.SET, profile, SEVERAL, shape=OBJECT),
        Attribute("binding:vnic_type", lambda view, row: "normal", May.SET, one_of("normal"), usual="normal"),
        Attribute("binding:vif_type", Part(_bound, 1), shape=either("ovs", "unbound")),
        Attribute("binding:vif_details", Part(_bound, 2), shape=OBJECT),
        Attribute("tenet:metadata", _told, May.SET, told, "metadata", shape=OBJECT,
                  usual={}),
        tagged(May.CREATE),
        *STANDARD,
    ),
    access=Access(
        create=any_of(MEMBER, SERVICE),
        get=any_of(READER, NETWORK_READER, SERVICE),
        update=any_of(MEMBER, SERVICE),
        delete=any_of(MEMBER, NETWORK_MEMBER, SERVICE),
        attributes=of_attributes(
            (WRITE, "device_owner", any_of("not rule:network_device", BY_NETWORK)),
            ((CREATE,), "mac_address", BY_NETWORK),
            ((UPDATE,), "mac_address", OTHERS),
            ((CREATE,), "fixed_ips", any_of(BY_NETWORK, SHARED)),
            ((UPDATE,), "fixed_ips", BY_NETWORK),
            (WRITE, "fixed_ips:ip_address", BY_NETWORK),
            (WRITE, "fixed_ips:subnet_id", any_of(BY_NETWORK, SHARED)),
            (WRITE, "port_security_enabled", BY_NETWORK),
            (WRITE, "allowed_address_pairs", NETWORK_MEMBER),
            (WRITE, "allowed_address_pairs:mac_address", NETWORK_MEMBER),
            (WRITE, "allowed_address_pairs:ip_address", NETWORK_MEMBER),
            (ALWAYS, "binding:host_id", OTHERS),
            (ALWAYS, "binding:profile", OTHERS),
            ((GET,), "binding:vif_type", OTHERS),
            ((GET,), "binding:vif_details", OTHERS),
            (WRITE, "binding:vnic_type", any_of(MEMBER, SERVICE)),
            ((GET,), "tenet:status_reason", OTHERS),
            (WRITE, "tenet:metadata", any_of(MEMBER, SERVICE)),
            ((UPDATE,), "data_plane_status", any_of(ADMIN, "role:data_plane_integrator")),
        ),
    ),
    create=ports.create,
    update=ports.update,
    delete=ports.delete,
    index={
        "network_id": "network_id", **OWNED, "name": "name", "mac_address": "mac_address", "device_id": "device_id",
        "device_owner": "device_owner",
        "security_groups": "security_groups", "fixed_ips.ip_address": "addresses", "fixed_ips.subnet_id": "subnets",
    },
    finders={"binding:host_id": _on_hosts},
    tagged=True,
    confirmed=True,
    extensions=(
        Extension("allowed-address-pairs", "Allowed Address Pairs", "2013-07-23T10:00:00-00:00",
                  "Provides allowed address pairs"),
        Extension("binding", "Port Binding", "2014-02-03T10:00:00-00:00",
                  "Expose port bindings of a virtual port to external application"),
        Extension("data-plane-status", "Port data plane status extension", "2017-01-24T10:00:00-00:00",
                  "Expose status of underlying data plane"),
        Extension("dns-domain-ports", "dns_domain for ports", "2017-04-24T10:00:00-00:00",
                  "Allows the DNS domain to be specified for a network port."),
        Extension("extra_dhcp_opt", "Neutron Extra DHCP options", "2013-03-17T12:00:00-00:00",
                  "Extra options configuration for DHCP. For example PXE boot options to DHCP clients can be "
                  "specified (e.g. tftp-server, server-ip-address, bootfile-name)"),
        Extension("ip-substring-filtering", "IP address substring filtering", "2017-11-28T09:00:00-00:00",
                  "Provides IP address substring filtering when listing ports"),
        Extension("port-mac-address-regenerate", "Neutron Port MAC address regenerate", "2018-05-03T10:00:00-00:00",
                  "Network port MAC address regenerate"),
        Extension("port-security-groups-filtering", "Port filtering on security groups", "2018-01-09T09:00:00-00:00",
                  "Provides security groups filtering when listing ports"),
        Extension("port-security", "Port Security", "2012-07-23T10:00:00-00:00", "Provides port security"),
        Extension("tag-ports-during-bulk-creation", "Tag Ports During Bulk Creation", "2019-12-29T19:00:00-00:00",
                  "Allow to tag ports during bulk creation"),
    ),
)  # fmt: skip

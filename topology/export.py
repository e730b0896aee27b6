"""Export of the present model and topology as a Mininet script; pure."""

from __future__ import annotations

import ipaddress
import pprint
from typing import Any

from .drawing import Topology

_SCRIPT = '''#!/usr/bin/env python3
"""An experiment written by `tenet export mininet`: run it as root beside a running controller, with Tenet's own
directory on PYTHONPATH."""

from mininet.cli import CLI

from topology.mininet import start

DESCRIBED = {described}

if __name__ == "__main__":
    net = start(DESCRIBED)
    try:
        CLI(net)
    finally:
        net.stop()
'''


def mininet(topology: Topology) -> str:
    """A script that makes the same switches, wires, hosts and tenant networks."""
    return _SCRIPT.replace("{described}", pprint.pformat(described(topology), width=110, sort_dicts=False))


def described(topology: Topology) -> dict[str, Any]:
    """What `topology.mininet.FileTopo` builds from.  Switches are called s1, s2, ... and keep their datapath ids; a
    port becomes a host, with its addresses; one that is plugged in nowhere is left out.
    """
    switches = {switch["id"]: f"s{nth}" for nth, switch in enumerate(topology["switches"], 1)}
    plugged = [port for port in topology["ports"] if port["switch"] in switches]
    hosts = {port["id"]: f"h{nth}" for nth, port in enumerate(plugged, 1)}
    at = {(one["switch"], one["name"]): one["port"] for one in topology["interfaces"]}
    cidrs = {network["id"]: network["cidrs"] for network in topology["networks"]}
    ends = {frozenset([(link["switch"], link["port"]), (link["far_switch"], link["far_port"])]): link
            for link in topology["links"]}  # fmt: skip
    links: list[list[Any]] = [
        [switches[link["switch"]], switches[link["far_switch"]], {"port1": link["port"], "port2": link["far_port"]}]
        for link in ends.values()
        if link["switch"] in switches and link["far_switch"] in switches
    ]
    for port in plugged:
        number = at.get((port["switch"], port["interface"]))
        links.append([hosts[port["id"]], switches[port["switch"]], {"port2": number} if number else {}])
    return {
        "switches": [{"name": switches[switch["id"]], "dpid": switch["dpid"]} for switch in topology["switches"]],
        "hosts": [_host(hosts[port["id"]], port, cidrs.get(port["network_id"], [])) for port in plugged],
        "links": links,
        "networks": _networks(topology, hosts),
    }


def _networks(topology: Topology, hosts: dict[str, str]) -> dict[str, list[str]]:
    """Members by the name of their network; networks of one name are told apart by their ids."""
    names = [network["name"] for network in topology["networks"]]
    found: dict[str, list[str]] = {}
    for network in topology["networks"]:
        name = network["name"] if network["name"] and names.count(network["name"]) == 1 else network["id"]
        here = [port["id"] for port in topology["ports"] if port["network_id"] == network["id"]]
        found[name] = [hosts[port_id] for port_id in here if port_id in hosts]
    return found


def _host(name: str, port: dict[str, Any], cidrs: list[str]) -> dict[str, Any]:
    host: dict[str, Any] = {"name": name, "mac": port["mac_address"]}
    for address in port["addresses"]:
        key = "ip6" if ":" in address else "ip"
        lengths = (cidr.split("/")[1] for cidr in cidrs if _within(address, cidr))
        length = next(lengths, "128" if ":" in address else "32")
        host.setdefault(key, f"{address}/{length}")
    return host


def _within(address: str, cidr: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(cidr)

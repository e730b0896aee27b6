"""Tenet for Mininet scripts: a topology read from a file, and hosts attached to tenant networks.

    from topology.mininet import FileTopo, attach, start
    net = start("cloud.json")                                  # switches, links, hosts and tenant networks of a file
    attach(net, {"red": ["h1", "h3"], "blue": ["h2", "h4"]})    # or in a script of your own, after net.start()

Needs Mininet and the standard library, nothing else of Tenet: Mininet's Python need not be Tenet's.
The file, in JSON:

    {"switches": ["s1", {"name": "s2", "dpid": "0000000000000002"}],
     "hosts": ["h1", {"name": "h2", "ip": "10.0.0.2/24", "ip6": "2001:db8::2/64", "mac": "02:00:00:00:00:02"}],
     "links": [["s1", "s2"], ["h1", "s1"], ["h2", "s2", {"port2": 7}]],
     "networks": {"red": ["h1", "h2"]}}

What is said of a switch, host or link goes to Mininet's addSwitch, addHost and addLink.
"""

from __future__ import annotations

import ipaddress
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mininet.net import Mininet
from mininet.node import OVSSwitch, RemoteController
from mininet.topo import Topo

URL = "http://127.0.0.1:9696"
PROJECT = "mininet"
LABELS = 8  # bytes that frames between switches have more than the hosts'
_TIMEOUT = 60.0  # seconds


class Attached(NamedTuple):
    """One host's port: `interface` is the switch's end of its link."""

    network: str
    host: str
    port_id: str
    interface: str
    address: str


class FileTopo(Topo):  # type: ignore[misc]
    """The Topo that a file describes, or what such a file holds; `networks` is what it says of tenants."""

    def build(self, described: str | Mapping[str, Any] = "", **_: object) -> None:
        if isinstance(described, str):
            described = json.loads(Path(described).read_text())
        assert isinstance(described, Mapping)
        self.networks: dict[str, list[str]] = described.get("networks", {})
        for switch in described.get("switches", []):
            name, options = _named(switch)
            self.addSwitch(name, **options)
        for host in described.get("hosts", []):
            name, options = _named(host)
            self.addHost(name, **options)
        for one, other, *more in described.get("links", []):
            self.addLink(one, other, **(more[0] if more else {}))


def start(
    described: str | Mapping[str, Any], controller: str = "127.0.0.1", port: int = 6653, url: str = URL, **options: Any
) -> Mininet:
    """A running Mininet of a file's topology, its hosts attached to the file's networks."""
    topo = FileTopo(described)
    net = network(topo, controller, port, **options)
    net.start()
    await_wires(net, url)
    attach(net, topo.networks, url)
    return net


def network(topo: Topo, controller: str = "127.0.0.1", port: int = 6653, **options: Any) -> Mininet:
    """A Mininet of Open vSwitch in user space with Tenet as its controller, not started yet."""
    remote = RemoteController("c0", ip=controller, port=port)
    switch = options.pop("switch", UserSwitch)
    return Mininet(topo=topo, switch=switch, controller=remote, autoSetMacs=True, **options)


class UserSwitch(OVSSwitch):  # type: ignore[misc]
    """`--switch ovs,datapath=user,protocols=OpenFlow13`; frames stop where no flow takes them, also without Tenet."""

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, **{"datapath": "user", "failMode": "secure", "protocols": "OpenFlow13", **options})


def attach(net: Mininet, networks: Mapping[str, Iterable[Any]], url: str = URL) -> list[Attached]:
    """Make each network and its subnets, and a port for each of its hosts (names, or Mininet's hosts) where it is.

    The hosts keep the addresses that they have; returns when every port is active.  Raises RuntimeError with what
    Tenet says.
    """
    made = []
    for name, members in networks.items():
        hosts = [net.get(member) if isinstance(member, str) else member for member in members]
        request = {"name": name, "project_id": PROJECT}
        tenants = _call(url, "POST", "/v2.0/networks", {"network": request})["network"]
        subnets: dict[str, str] = {}
        for cidr in sorted({str(address.network) for host in hosts for address in _addresses(host)}):
            subnets[cidr] = _subnet(url, tenants["id"], cidr)
        ports = [_port(host, tenants["id"], subnets) for host in hosts]
        if ports:
            answer = _call(url, "POST", "/v2.0/ports", {"ports": ports}, wait=30)["ports"]
            for host, port in zip(hosts, answer, strict=True):
                _configure(host, tenants["mtu"])
                made.append(Attached(name, host.name, port["id"], _far(host), host.IP()))
    return made


def route(net: Mininet, name: str, attached: Iterable[Attached], url: str = URL) -> None:
    """Make a router with an interface in each network of these hosts, and it their default gateway.

    In each subnet it has the last address.  Raises RuntimeError with what Tenet says.
    """
    router = _call(url, "POST", "/v2.0/routers", {"router": {"name": name, "project_id": PROJECT}})["router"]["id"]
    gateways: dict[str, list[str]] = {}  # of each network
    for one in attached:
        network_id = _call(url, "GET", f"/v2.0/ports/{one.port_id}", None)["port"]["network_id"]
        if network_id not in gateways:
            gateways[network_id] = list(_interfaces(url, router, network_id))
        for gateway in gateways[network_id]:
            net.get(one.host).cmd(f"ip {'-6' if ':' in gateway else '-4'} route replace default via {gateway}")


def _interfaces(url: str, router: str, network_id: str) -> Iterator[str]:
    """Interfaces of a router in all subnets of a network; their addresses."""
    for subnet in _call(url, "GET", f"/v2.0/subnets?network_id={network_id}", None)["subnets"]:
        cidr = ipaddress.ip_network(subnet["cidr"])
        address = str(cidr[-2])  # the very last is for broadcasts in IPv4
        fixed = [{"subnet_id": subnet["id"], "ip_address": address}]
        port = {"network_id": network_id, "project_id": PROJECT, "fixed_ips": fixed}
        made = _call(url, "POST", "/v2.0/ports", {"port": port})["port"]["id"]
        _call(url, "PUT", f"/v2.0/routers/{router}/add_router_interface", {"port_id": made}, wait=30)
        yield address


def await_wires(net: Mininet, url: str = URL, timeout: float = 30.0) -> None:
    """Wait until Tenet knows every switch of the experiment and every wire between two; raises TimeoutError."""
    names = {switch.name for switch in net.switches}
    wires = sum({link.intf1.node.name, link.intf2.node.name} <= names for link in net.links)
    deadline = time.monotonic() + timeout
    while True:
        found = _call(url, "GET", "/tenet/v1/topology", None)["topology"]
        connected = {switch["name"] for switch in found["switches"] if switch["connected"] and switch["in_step"]}
        if names <= connected and sum(link["used"] for link in found["links"]) >= 2 * wires:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {timeout:g} s Tenet does not know all switches and wires: try `tenet doctor`")
        time.sleep(0.1)


def detach(attached: Iterable[Attached], url: str = URL) -> None:
    """Undo `attach`; the networks go with their last ports."""
    networks = set()
    for one in attached:
        networks.add(_call(url, "GET", f"/v2.0/ports/{one.port_id}", None)["port"]["network_id"])
        _call(url, "DELETE", f"/v2.0/ports/{one.port_id}", None)
    for network_id in sorted(networks):
        _call(url, "DELETE", f"/v2.0/networks/{network_id}", None)


def _named(said: Any) -> tuple[str, dict[str, Any]]:
    if isinstance(said, str):
        return said, {}
    options = dict(said)
    return options.pop("name"), options


def _addresses(host: Any) -> list[ipaddress.IPv4Interface | ipaddress.IPv6Interface]:
    found: list[ipaddress.IPv4Interface | ipaddress.IPv6Interface] = []
    if host.IP():
        found.append(ipaddress.IPv4Interface(f"{host.IP()}/{host.defaultIntf().prefixLen}"))
    if host.params.get("ip6"):
        found.append(ipaddress.IPv6Interface(host.params["ip6"]))
    return found


def _configure(host: Any, mtu: int) -> None:
    """What Mininet does not do itself; without checksums offloaded, which nobody in user space would fill in."""
    name = host.defaultIntf().name
    host.cmd(f"ip link set {name} mtu {mtu}")
    host.cmd(f"ethtool -K {name} tx off")
    if host.params.get("ip6"):
        host.cmd(f"ip -6 address replace {host.params['ip6']} dev {name} nodad")


def _far(host: Any) -> str:
    """The name of the switch's end of a host's link."""
    near = host.defaultIntf()
    link = near.link
    return str(link.intf2.name if link.intf1 is near else link.intf1.name)


def _subnet(url: str, network_id: str, cidr: str) -> str:
    request = {"network_id": network_id, "project_id": PROJECT, "cidr": cidr, "ip_version": 6 if ":" in cidr else 4}
    body = {"subnet": {**request, "gateway_ip": None}}
    return str(_call(url, "POST", "/v2.0/subnets", body)["subnet"]["id"])


def _port(host: Any, network_id: str, subnets: Mapping[str, str]) -> dict[str, Any]:
    return {
        "network_id": network_id,
        "project_id": PROJECT,
        "name": host.name,
        "mac_address": host.MAC(),
        "fixed_ips": [
            {"subnet_id": subnets[str(address.network)], "ip_address": str(address.ip)} for address in _addresses(host)
        ],
        "binding:profile": {"interface": _far(host)},
    }


def _call(url: str, method: str, path: str, body: object, wait: int = 0) -> Any:
    headers = {"Content-Type": "application/json"} | ({"Prefer": f"wait={wait}"} if wait else {})
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url.rstrip("/") + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{method} {path}: {error.code} {error.read().decode(errors='replace')}") from error
    return json.loads(text) if text else None

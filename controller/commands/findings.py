"""Reasons why frames do not arrive, from the answers of a controller.  Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from controller.flow import CONTROLLER

GOOD, BAD, NOTE, HINT = "   ok", "FAULT", " note", "     "
_PROTOCOLS = "; let the bridge speak OpenFlow 1.3: ovs-vsctl set bridge NAME protocols=OpenFlow13"


class Findings(NamedTuple):
    lines: list[str]
    faults: int


def examine(topology: dict[str, Any], refused: list[dict[str, Any]]) -> Findings:
    """Findings, in the order of causes: switches not connected, not wired, ports not attached, not bound, down."""
    return _gather(
        [
            *_refused(refused),
            *_switches(topology),
            *_wires(topology),
            *_interfaces(topology),
            *_ports(topology),
            *_networks(topology),
        ]
    )


def explain(topology: dict[str, Any], trace: dict[str, Any]) -> Findings:
    """Trace of a frame, table by table, and where it ends if it does not arrive."""
    names = {network["id"]: network["name"] or network["id"] for network in topology["networks"]}
    one, other = trace["from"], trace["to"]
    apart = []
    routed = any(hop.get("routers") for frame in trace["frames"] for hop in frame["hops"])
    if "address" not in other and one["network_id"] != other["network_id"] and not routed:
        mine, theirs = (names.get(end["network_id"]) for end in (one, other))
        apart = [
            (BAD, f"{_called(one)} is on network {mine}, {_called(other)} on network {theirs}: they are kept apart")
        ]
    places = _Places(topology)
    return _gather([*apart, *(line for frame in trace["frames"] for line in _frame(frame, places))])


def unfiltered(count: int) -> Findings:
    """Ports that are open because they were stored before there were security groups: no fault, and to be known."""
    if not count:
        return Findings([], 0)
    ports = "port was" if count == 1 else "ports were"
    return _gather(
        [(NOTE, f"{count} {ports} made before there were security groups: open until their security_groups are set")]
    )


def faulty(faults: list[str]) -> Findings:
    """Findings on gateways of routers and on external DNS (`gateways.faults`, `external_dns.faults`)."""
    return _gather([(BAD, fault) for fault in faults])


def leased(topology: dict[str, Any], report: dict[str, Any]) -> Findings:
    """Findings on DHCP leases: addresses that somebody else uses, and VMs that have not been able to renew theirs."""
    names = {port["id"]: _called(port) for port in topology["ports"]}
    lines = [
        (BAD, f"port {names.get(one['port_id'], one['port_id'])} declined its address {one['ip_address']} by DHCP: "
              f"somebody else uses it (at {one['at']}, {one['times']} times)")
        for one in report["declined"]
    ]  # fmt: skip
    soon = report["ending"].get("4h", 0)
    if soon:
        lines.append((NOTE, f"{soon} DHCP lease{'' if soon == 1 else 's'} that this member gave would end within 4 "
                            f"hours: with them the addresses of VMs, unless they are renewed"))  # fmt: skip
    return _gather(lines)


class _Places:
    """Display names of switches and OpenFlow ports."""

    def __init__(self, topology: dict[str, Any]) -> None:
        self._switches = {one["id"]: one["name"] for one in topology["switches"]}
        self._ports = {(one["switch"], one["port"]): one["name"] for one in topology["interfaces"]}

    def switch(self, switch_id: str) -> str:
        return str(self._switches.get(switch_id) or switch_id)

    def port(self, switch_id: str, number: int) -> str:
        name = self._ports.get((switch_id, number))
        return f"{name} (port {number})" if name else f"port {number}"


def _called(port: dict[str, Any]) -> str:
    return str(port["name"] or port["interface"] or port["id"])


def _declared(port: dict[str, Any]) -> str:
    """Declared addresses of a port; none when they are learned."""
    return "" if port["learning"] else f", for {' '.join([port['mac_address'], *port['addresses']])}"


def lost(topology: dict[str, Any], unreachable: list[dict[str, Any]]) -> Findings:
    """Findings on pairs of ports in one network between which frames are lost; equal causes are reported once."""
    names = {port["id"]: port["name"] or port["interface"] or port["id"] for port in topology["ports"]}
    ways: dict[str, list[str]] = {}
    for one in unreachable:
        ways.setdefault(one["verdict"], []).append(f"{names.get(one['from'])} to {names.get(one['to'])}")
    return _gather(
        [
            (BAD, f"from {pairs[0]}{f' and {len(pairs) - 1} more' if pairs[1:] else ''}: {verdict}")
            for verdict, pairs in ways.items()
        ]
    )


def contested(topology: dict[str, Any], claims: dict[str, Any]) -> Findings:
    """Findings on host names, tunnel addresses and VIFs that several hypervisors claim."""
    names = {port["id"]: _called(port) for port in topology["ports"]}
    lines = [(BAD, f"switch {one['switch']} claims what is another's: {one['why']}") for one in claims["refused"]]
    for one in claims["vifs"]:
        there, others = one["switch"], ", ".join(one["claimed_by"])
        held = f"is on switch {there}, and on {others} as well" if there else f"is on {others}, none of which has it"
        lines.append((BAD, f"the VIF {one['vif']} of port {names.get(one['port'], one['port'])} {held}"))
    if claims["vifs"]:
        lines.append((HINT, "to say where such a port is, set its binding:host_id; unplug the VIF from the others"))
    return _gather(lines)


def _gather(lines: list[tuple[str, str]]) -> Findings:
    return Findings([f"{mark}  {text}" for mark, text in lines], sum(mark == BAD for mark, _ in lines))


def _refused(refused: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    latest = {one["why"]: one for one in refused}
    for one in latest.values():
        hint = _PROTOCOLS if "version" in one["why"] else ""
        yield BAD, f"connection from {one['address']} refused at {one['at']}: {one['why']}{hint}"


def _switches(topology: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if not topology["switches"]:
        yield BAD, "no switch has ever connected: is the controller's address and port right (mn --controller remote)?"
    away = [switch["id"] for switch in topology["switches"] if not switch["connected"]]
    for switch in topology["switches"]:
        name = f"switch {switch['name']} ({switch['id']})"
        if not switch["connected"]:
            yield BAD, f"{name} is not connected"
        elif not switch["in_step"]:
            yield BAD, f"{name} is connected over {switch['version']}; some of its flows wait or were refused"
        else:
            yield GOOD, f"{name} is connected over {switch['version']}, its flows are right"
        if switch.get("connections_full"):
            yield BAD, f"{name} has no room for new connections: established ones go on, new ones are refused"
        if switch["unlimited"]:
            yield NOTE, f"{name} does not limit what ports send to many: {switch['unlimited']}"
    if away:
        yield HINT, f"one that is gone for good is to be forgotten: curl -X DELETE .../tenet/v1/switches/{away[0]}"


def _wires(topology: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for link in topology["links"]:
        ends = f"{link['port_name']} hears {link['far_port_name']}"
        if link["state"] == "damped":
            yield BAD, f"{ends}: the wire flaps, and is held down until it has been quiet"
        elif link["state"] != "up":
            yield BAD, f"{ends}: {link['state']}"
        elif not link["used"]:
            yield BAD, f"{ends}, but not the other way: the wire is not used"
    used = sum(link["used"] for link in topology["links"]) // 2
    between = f"{used} wire{'' if used == 1 else 's'} between switches"
    islands = len(_islands(topology))
    if islands > 1 and not all(switch["encap_ip"] for switch in topology["switches"]):
        yield BAD, f"{between}: they make {islands} islands that cannot reach each other"
    elif topology["switches"]:
        yield GOOD, between


def _islands(topology: dict[str, Any]) -> list[set[str]]:
    """Groups of switches that reach each other over wires or an underlay; isolated disconnected ones are left out."""
    edges = [(link["switch"], link["far_switch"]) for link in topology["links"] if link["used"]]
    tunnelled = [switch["id"] for switch in topology["switches"] if switch["encap_ip"]]
    edges += pairwise(tunnelled)
    there = {end for edge in edges for end in edge}
    there.update(switch["id"] for switch in topology["switches"] if switch["connected"])
    islands = [{switch["id"]} for switch in topology["switches"] if switch["id"] in there]
    for one, other in edges:
        joined = [island for island in islands if one in island or other in island]
        islands = [island for island in islands if island not in joined] + [set().union(*joined)]
    return islands


def _interfaces(topology: dict[str, Any]) -> Iterator[tuple[str, str]]:
    places = _Places(topology)
    there = {switch["id"] for switch in topology["switches"] if switch["connected"]}
    free = [one for one in topology["interfaces"] if not one["ports"] and not one["link"] and one["switch"] in there]
    for one in free:
        called = f"interface {one['name']} of switch {places.switch(one['switch'])}"
        yield BAD, f"{called} belongs to no network: no port names {one['vif']!r}, so what comes in by it is dropped"
    if free:
        request = f'"binding:profile": {{"interface": "{free[0]["vif"]}"}}'
        yield HINT, f"to attach one, make a port of a network with {request} (v2.0), or attach it to a port (v1.1)"


def _ports(topology: dict[str, Any]) -> Iterator[tuple[str, str]]:
    networks = {network["id"]: network["name"] or network["id"] for network in topology["networks"]}
    for port in topology["ports"]:
        name = f"port {port['name'] or port['id']} of network {networks.get(port['network_id'], '?')}"
        where = f" at {port['interface']}" if port["interface"] else ""
        if port["status"] == "ACTIVE" and not port["reason"]:
            yield GOOD, f"{name}{where} is active{_declared(port)}"
        elif port.get("floating"):  # it has an address, and never an interface
            yield GOOD, f"{name} holds the floating IP {' '.join(port['addresses'])}"
        else:
            yield BAD, f"{name}{where} is {port['status']}: {port['reason']}"


def _networks(topology: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for network in topology["networks"]:
        if network["mtu_reason"]:
            name = network["name"] or network["id"]
            yield NOTE, f"network {name} has an MTU of {network['mtu']}: {network['mtu_reason']}"


def _frame(frame: dict[str, Any], places: _Places) -> Iterator[tuple[str, str]]:
    fields = frame["frame"]
    kind = {0x0806: "an ARP request", 0x0800: "an IPv4 packet", 0x86DD: "an IPv6 packet"}[fields["eth_type"]]
    yield HINT, f"{kind} from {fields['eth_src']} to {fields['eth_dst']}:"
    for hop in frame["hops"]:
        yield HINT, f"  switch {places.switch(hop['switch'])}, in by {places.port(hop['switch'], hop['in_port'])}"
        for step in hop["tables"]:
            absent = "" if step["installed"] in (True, None) else "   NOT YET ON THE SWITCH"
            yield HINT, f"    {step['name']:>14}: {step['flow'] or 'no flow matches'}{absent}"
        for router in hop.get("routers", ()):
            yield HINT, f"    {_router(router)}"
        for step in hop.get("translations", ()):
            yield HINT, f"    {_translation(step, places)}"
        for filter_ in hop.get("filters", ()):
            why = f"rule {filter_['rule']['id']}: {filter_['rule']['allows']}" if filter_["rule"] else filter_["reason"]
            word = "passes" if filter_["passed"] else "is dropped by"
            yield HINT, f"    {word} the {filter_['direction']} rules of port {filter_['port_id']}: {why}"
        for sent in hop["sent"]:
            punted = sent["port"] == CONTROLLER
            yield HINT, "    to the controller" if punted else f"    out by {places.port(hop['switch'], sent['port'])}"
    fine = frame["arrives"] or frame.get("answered", False)
    yield GOOD if fine else BAD, f"{kind}: {frame['verdict']}"


def _router(told: dict[str, Any]) -> str:
    """What a router did with a packet."""
    start = f"router {told['router_id']}, in by its interface {told['interface_id']}"
    if told["route"]:
        start += f", has the route {told['route']}" + (f" by {told['next_hop']}" if told["next_hop"] else ", connected")
    if told["resolved"]:
        start += f", to {told['resolved']}"
    return f"{start}: {told['reason']}" if told["reason"] else start


def _translation(told: dict[str, Any], places: _Places) -> str:
    """What was decided about a packet that leaves a router, or comes in from outside."""
    by = told["decided_by"]
    resolved = f", to {told['resolved']}" if told.get("resolved") else ""
    if told["reason"]:
        return f"{told['step']}{f' by {by}' if by else ''}: {told['reason']}"
    if told["step"] == "gateway":
        ranking = ", ".join(map(places.switch, told["ranking"]))
        return f"leaves by the gateway {places.switch(told['switch'])}: {by} is {ranking}"
    if told["step"] == "next_hop":
        return f"outside {by} has the route {told['route']} by {told['next_hop'] or 'the network itself'}{resolved}"
    became = f"becomes {told['address']}" if told["address"] else "stays as it is"
    return f"its {told['step']} {became}, by {by}{resolved}"

"""Fabric as operators see it: wires, attachments, and what becomes of a frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from ipaddress import ip_address, ip_network
from typing import Any, TypeVar

from apps.pipeline import TABLES
from controller.diagnose import services
from controller.diagnose.conversation import Fields, Outside, Question, Target, headers, opening, packet, request
from controller.diagnose.decisions import decisions
from controller.diagnose.routing import first_hop, first_hop_outside, routing
from controller.diagnose.switches import Inventory
from controller.diagnose.trace import Hop, follow, physical_at
from controller.diagnose.translation import translations
from controller.flow import CONTROLLER
from controller.flow.fields import value_of
from controller.flow.interpret import Ambiguous, Frame, Pipeline, Tracker
from controller.model.model import Model
from controller.model.routing import is_served
from controller.model.rows import Bridge, FloatingIp, Interface, Link, Network, Port, PortForwarding, Subnet, Switch
from controller.reconcile.statuses import Statuses
from controller.runtime import hub
from controller.runtime.errors import Invalid, NotFound
from controller.store.replica import Replica

Flows = Callable[[str], Pipeline | None]
R = TypeVar("R", Network, Port)
SLICE = 0.005  # seconds of work before other green threads get a turn
MOST = 200  # most pairs of ports in one answer
_TABLES = {table.number: table.name for table in TABLES}
ECHO = Question()


class FabricReport:
    def __init__(self, replica: Replica, inventory: Inventory, statuses: Statuses) -> None:
        self._model: Model = replica.model
        self._inventory = inventory
        self._statuses = statuses

    def links(self) -> list[dict[str, Any]]:
        """Ends of wires; `used`: both ends hear each other and are up."""
        return [self._link(one) for one in hub.taking_turns(self._model.snapshot(Link), SLICE)]

    def _link(self, link: Link) -> dict[str, Any]:
        back = self._model.get(Link, f"{link.far_switch_id}/{link.far_ofport}")
        mutual = back is not None and (back.far_switch_id, back.far_ofport) == link.place
        return {
            "switch": link.switch_id,
            "port": link.ofport,
            "port_name": self._name(link.switch_id, link.ofport),
            "far_switch": link.far_switch_id,
            "far_port": link.far_ofport,
            "far_port_name": self._name(link.far_switch_id, link.far_ofport),
            "cost": link.cost,
            "state": link.state,
            "used": link.state == "up" and mutual and back is not None and back.state == "up",
        }

    def _name(self, switch_id: str, ofport: int) -> str:
        return next((one.name for one in self._model.find(Interface, "place", (switch_id, ofport))), str(ofport))

    def topology(self) -> dict[str, Any]:
        """Switches, wires, networks and ports.

        Rows are those of `revision`; statuses and `in_step` are read for each object in turn.
        """
        model = self._model
        revision, bindings = model.revision, dict(model.placement.bindings)
        switches, links, interfaces = model.snapshot(Switch), model.snapshot(Link), model.snapshot(Interface)
        networks, ports = model.snapshot(Network), model.snapshot(Port)
        bound: dict[str, list[str]] = {}
        for port in hub.taking_turns(ports, SLICE):
            at = bindings.get(port.id)
            if at is not None:
                bound.setdefault(at.row_id, []).append(port.id)
        wired, speeds = {link.place for link in links}, self._speeds()
        return {
            "revision": revision,
            "switches": [self._switch(one) for one in hub.taking_turns(switches, SLICE)],
            "links": [self._link(one) for one in hub.taking_turns(links, SLICE)],
            "interfaces": [
                {
                    "switch": one.switch_id, "name": one.name, "vif": one.vif, "port": one.ofport,
                    "ports": bound.get(one.row_id, []), "link": one.place in wired,
                    "speed": speeds.get((one.switch_id, one.name)),
                }
                for one in hub.taking_turns(interfaces, SLICE)
            ],
            "networks": [self._network(one) for one in _in_order(networks)],
            "ports": [self._port(one, bindings.get(one.id)) for one in _in_order(ports)],
        }  # fmt: skip

    def _switch(self, switch: Switch) -> dict[str, Any]:
        return {
            "id": switch.id, "name": switch.host, "dpid": f"{switch.dpid:016x}", "number": switch.number,
            "database": self._database(switch), "encap_ip": switch.encap_ip,
            "connected": self._inventory.connected(switch.id), "version": "OpenFlow13",
            "in_step": self._inventory.in_step(switch.id), "unlimited": self._inventory.unlimited(switch.id),
            "connections_full": self._inventory.connections_full(switch.id),
        }  # fmt: skip

    def _database(self, switch: Switch) -> str:
        """System-id of the database that reports a switch; "" if none does."""
        bridge = self._model.get(Bridge, switch.id)
        return bridge.system_id if bridge else "" if switch.id == f"{switch.dpid:016x}" else switch.id

    def _speeds(self) -> dict[tuple[str, str], int]:
        """Link speeds in bits a second by (switch, interface), where a database reports them."""
        bridges = self._model.rows(Bridge).values()
        return {(bridge.id, one.name): one.speed for bridge in bridges for one in bridge.interfaces if one.speed}

    def _network(self, network: Network) -> dict[str, Any]:
        subnets = self._model.find(Subnet, "network_id", network.id)
        mtu, why = self._statuses.mtu(network)
        return {
            "id": network.id, "name": network.name, "project_id": network.project_id, "mtu": mtu, "mtu_reason": why,
            "network_type": network.network_type, "segment": network.segment,
            "admin_state_up": network.admin_state_up, "cidrs": [subnet.cidr for subnet in subnets],
        }  # fmt: skip

    def _port(self, port: Port, at: Interface | None) -> dict[str, Any]:
        status, reason = self._statuses.port(port)
        return {
            "id": port.id, "name": port.name, "network_id": port.network_id, "project_id": port.project_id,
            "mac_address": port.mac_address, "learning": port.learning, "vif": port.vif,
            "addresses": [fixed.ip_address for fixed in port.fixed_ips], "status": status, "reason": reason,
            "switch": at.switch_id if at else None, "interface": at.name if at else None,
            "floating": bool(self._model.find(FloatingIp, "floating_port_id", port.id)),
        }  # fmt: skip

    # --- traces --------------------------------------------------------------------------------------

    def trace(
        self, source: str, target: str, protocol: str = "icmp", port: str = "0", state: str = "new"
    ) -> dict[str, Any]:
        """Trace of a packet from one port to another or to an address outside, and of the address request before it.

        To "dhcp", "dns", "metadata", "dhcp6" and "router-solicitation": of the message by which the port asks this
        service.
        Ports are given by id, name or interface.
        Raises `NotFound` without a bound port or a router that leads to the address, `Invalid` for several ports, and
        for a packet that there is not (`Question.of`).
        """
        asked = Question.of(protocol, port, state)
        one = self._bound(source)
        if target in services.MESSAGES:
            return self._served(one, target)
        other = self._outside(one, target, asked) or self._bound(target)
        flows = self._flows()
        frames = [self._follow(flows, one, other, what, asked) for what in self._frames(one, other, asked)]
        bindings = self._model.placement.bindings
        to = self._port(other, bindings.get(other.id)) if isinstance(other, Port) else self._address(other)
        return {"from": self._port(one, bindings.get(one.id)), "to": to, "frames": frames}

    def _served(self, one: Port, service: str) -> dict[str, Any]:
        frame = self._follow(self._flows(), one, one, services.MESSAGES[service](one))
        if not (frame["answered"] or frame["filtered"]):
            frame["verdict"] = services.hindrance(self._model, service, one) or frame["verdict"]
        at = self._model.placement.bindings.get(one.id)
        return {"from": self._port(one, at), "to": services.shown(service), "frames": [frame]}

    def _outside(self, one: Port, said: str, asked: Question) -> Outside | None:
        """An address that is asked about; None where it is none."""
        try:
            address = ip_address(said)
        except ValueError:
            return None
        subnets = self._model.find(Subnet, "network_id", one.network_id)
        if any(each.ip_version == address.version and address in ip_network(each.cidr) for each in subnets):
            raise Invalid(f"{address} is in the network of port {one.id}: name the port that has it.")
        if asked.opened_by_other:
            raise Invalid("What answers a connection from outside is not traced: only what a port sends first.")
        hop = first_hop_outside(self._model, one, address.version)
        if hop is None:
            raise NotFound(f"No router leads from the network of port {one.id} to IPv{address.version} outside.")
        floating = self._model.find(FloatingIp, "floating_ip_address", str(address))
        return Outside(str(address), hop, floating[0].id if floating else "")

    def _address(self, to: Outside) -> dict[str, Any]:
        return {"address": to.address, "floating_ip_id": to.floating_ip_id or None}

    def _receivers(self, to: Target, asked: Question) -> set[str]:
        """Ids of the ports that get what is sent there; none: nobody that Tenet knows."""
        if isinstance(to, Port):
            return {to.id}
        floating = self._model.get(FloatingIp, to.floating_ip_id)
        if floating is None:
            return {port.id for port in self._model.find(Port, "addresses", to.address) if self._is_in(port)}
        forwardings = self._model.find(PortForwarding, "floatingip_id", floating.id)
        ports = [
            each.internal_port_id
            for each in forwardings
            if each.protocol == asked.protocol and each.external_ports[0] <= asked.port <= each.external_ports[1]
        ]
        return {each for each in (floating.port_id, *ports) if each}

    def unreachable(self) -> list[dict[str, Any]]:
        """Pairs of ports of one network between which some frame is lost: of each network its first port with every
        other, in both directions, of the first MOST pairs there are.

        A pair of which a port has gone, or is plugged in no more, when its turn comes is not told of.
        """
        flows = self._flows()
        lost = []
        for one, other in self._pairs():
            for fields in self._frames(one, other):
                if not self._is_in(one) or not self._is_in(other):
                    break
                told = self._follow(flows, one, other, fields)
                if (
                    not (told["arrives"] or told["answered"] or told["filtered"])
                    and self._is_in(one)
                    and self._is_in(other)
                ):
                    lost.append({"from": one.id, "to": other.id, "frame": fields, "verdict": told["verdict"]})
        return lost

    def _pairs(self) -> list[tuple[Port, Port]]:
        model = self._model
        pairs: list[tuple[Port, Port]] = []
        for network in hub.taking_turns(model.snapshot(Network), SLICE):
            found = sorted(
                (one for one in model.find(Port, "network_id", network.id) if self._is_in(one)), key=_by_name
            )
            pairs += [pair for other in found[1:] for pair in ((found[0], other), (other, found[0]))]
            if len(pairs) >= MOST:
                break
        return pairs[:MOST]

    def _is_in(self, port: Port) -> bool:
        return self._model.placement.location(port.id) is not None

    def _flows(self) -> Callable[[str], Pipeline | None]:
        """The flows of a switch that is connected, each read once."""

        @cache
        def pipeline(switch_id: str) -> Pipeline | None:
            if not self._inventory.connected(switch_id):
                return None
            return Pipeline(hub.taking_turns(self._inventory.wanted(switch_id), SLICE))

        return pipeline

    def _bound(self, said: str) -> Port:
        model = self._model
        interfaces = [one for one in hub.taking_turns(model.snapshot(Interface), SLICE) if one.name == said]
        bindings = model.placement.bindings
        vifs = {said, *(one.vif for one in interfaces if one.vif)}
        named = [*model.find(Port, "name", said), *(port for vif in vifs for port in model.find(Port, "vif", vif))]
        at = {port.id: bindings.get(port.id) for port in named}
        found = {port.id: port for port in named
                 if said in (port.name, port.vif) or ((here := at[port.id]) and here.name == said)}  # fmt: skip
        port = model.get(Port, said)
        if port is not None:
            found[port.id] = port
        if not found:
            raise NotFound(f"No port has the id, the name or the interface {said[:64]!r}: nothing is attached there.")
        if len(found) > 1:
            raise Invalid(f"{said[:64]!r} names {len(found)} ports: use one's id, {', '.join(sorted(found)[:4])}.")
        (port,) = found.values()
        if port.id not in model.placement.bindings:
            served = "it is a router's or a floating IP's" if is_served(model, port) else ""
            raise NotFound(f"Port {port.id} is plugged in nowhere: {served or self._statuses.port(port)[1]}.")
        return port

    def _follow(self, flows: Flows, one: Port, other: Target, fields: Fields, asked: Question = ECHO) -> dict[str, Any]:
        at = self._model.placement.bindings.get(one.id)
        if at is None:
            raise NotFound(f"Port {one.id} is plugged in nowhere any more.")
        try:
            hops = follow(
                self._model, flows, at.switch_id, at.ofport, _frame(fields), self._known(flows, one, other, asked)
            )
        except (Ambiguous, AssertionError) as problem:
            return {"frame": fields, "verdict": f"not to be told: {problem}", "arrives": False, "answered": False,
                    "filtered": False, "hops": []}  # fmt: skip
        receivers = self._receivers(other, asked)
        arrives = any(receivers & {*hop.arrived} for hop in hops)
        left = "" if receivers else self._left(hops)
        service = services.verdict(self._model, hops)
        answered = bool(service) or any(sent.port == at.ofport for sent in hops[0].sent)
        opener = self._opener(one, other, asked)
        opened = headers(fields if other is one else opening(one, other, asked, self._way))
        decided = [list(decisions(self._model, hop, opened, opener.id, self._inventory.origins)) for hop in hops]
        routers = [list(routing(self._model, hop, self._inventory.origins)) for hop in hops]
        translated = [list(translations(self._model, hop, self._inventory.origins)) for hop in hops]
        stopped = next((each for found in routers for each in found if each["reason"]), None)
        untranslated = next((each for found in translated for each in found if each["reason"]), None)
        refusal = next((each for found in decided for each in found if not each["passed"]), None)
        verdict = self._verdict(hops, arrives, answered)
        if service:
            verdict = service
        elif refusal and not arrives:
            verdict = _refused(refusal)
        elif left:
            verdict = left
        elif untranslated and not (arrives or answered):
            verdict = f"dropped by {untranslated['decided_by'] or 'its router'}: {untranslated['reason']}"
        elif stopped and not (arrives or answered):
            verdict = f"dropped by router {stopped['router_id']}: {stopped['reason']}"
        return {
            "frame": fields,
            "arrives": arrives or bool(left),
            "answered": answered,
            "filtered": refusal is not None,
            "verdict": verdict,
            "hops": [
                {**self._hop(hop), "filters": found, "routers": passed, "translations": became}
                for hop, found, passed, became in zip(hops, decided, routers, translated, strict=True)
            ],
        }

    def _opener(self, one: Port, other: Target, asked: Question) -> Port:
        """The port that has begun the connection."""
        return other if asked.opened_by_other and isinstance(other, Port) else one

    def _left(self, hops: list[Hop]) -> str:
        """Where a frame leaves for a physical network; "" where it does not."""
        for hop in hops:
            for sent in hop.sent:
                if name := physical_at(self._model, hop.switch_id, sent.port):
                    return f"leaves by the physical network {name} at switch {self._called(hop.switch_id)}"
        return ""

    def _known(self, flows: Flows, one: Port, other: Target, asked: Question) -> dict[str, Tracker]:
        """The connections that switches know before the packet that is asked about."""
        trackers: dict[str, Tracker] = {}
        opener = self._opener(one, other, asked)
        at = self._model.placement.bindings.get(opener.id)
        if asked.state != "new" and at is not None:
            follow(self._model, flows, at.switch_id, at.ofport, _frame(opening(one, other, asked, self._way)), trackers)
        return trackers

    def _frames(self, one: Port, other: Target, asked: Question = ECHO) -> list[Fields]:
        """Frames of a conversation: the request for the target's address, or for its router's; then the packet, if the
        address is known.
        """
        sent = [] if isinstance(other, Port) and other.learning else [packet(one, other, asked, self._way)]
        return [request(one, other, self._way), *sent]

    def _way(self, one: Port, other: Port) -> Port | None:
        return first_hop(self._model, one, other)

    def _verdict(self, hops: list[Hop], arrives: bool, answered: bool) -> str:
        if arrives:
            return "arrives"
        if answered:
            return "answered by its own switch"
        last = hops[-1]
        if not last.steps:
            return f"comes to switch {self._called(last.switch_id)}, which is not connected: nobody knows what it does"
        table, flow = last.steps[-1]
        if [sent for sent in last.sent if sent.port != CONTROLLER]:
            others = sorted({port_id for hop in hops for port_id in hop.arrived})
            reached = f"{len(others)} other{'' if len(others) == 1 else 's'}, not to this port" if others else "nobody"
            return f"goes out of switch {self._called(last.switch_id)} and comes to {reached}"
        why = "by no flow" if flow is None else f"by {flow}"
        return f"dropped at switch {self._called(last.switch_id)} in table {_TABLES[table]} ({table}), {why}"

    def _called(self, switch_id: str) -> str:
        switch = self._model.get(Switch, switch_id)
        return switch.host if switch and switch.host else switch_id

    def _hop(self, hop: Hop) -> dict[str, Any]:
        return {
            "switch": hop.switch_id,
            "in_port": hop.in_port,
            "tables": [
                {"table": table, "name": _TABLES[table], "flow": str(flow) if flow else None,
                 "installed": self._inventory.installed(hop.switch_id, flow) if flow else None}
                for table, flow in hop.steps
            ],
            "sent": [{"port": sent.port} for sent in hop.sent],
            "arrived": hop.arrived,
        }  # fmt: skip


def _frame(fields: Fields) -> Frame:
    return {name: int.from_bytes(value_of(name, value), "big") for name, value in fields.items()}


def _refused(decision: dict[str, Any]) -> str:
    nearest = decision["nearest_rule"]
    near = f"; nearest: {nearest['allows']}" if nearest else ""
    return f"dropped by the security groups of port {decision['port_id']}: {decision['reason']}{near}"


def _in_order(rows: Sequence[R]) -> Iterator[R]:
    """Rows by name, then id, with turns for other threads."""
    return hub.taking_turns(hub.sorted_in_turns(rows, _by_name, SLICE), SLICE)


def _by_name(row: Network | Port) -> tuple[str, str]:
    return row.name, row.id

"""Rows of switches and their interfaces: pure rules, each run in a transaction."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable, Iterator, Mapping

from msgspec import structs

from controller.model import keys
from controller.model.rows import (
    Bridge,
    GatewayHost,
    Interface,
    Learned,
    Link,
    MetadataHost,
    Plugged,
    Switch,
    WatchPort,
)
from controller.ovsdb.seen import SeenHypervisor
from controller.runtime.errors import Conflict, Invalid, NotFound
from controller.store.transaction import Transaction
from controller.switches import claims

log = logging.getLogger("tenet.observe")

MOST_NUMBERS = (1 << 20) - 1  # a switch's number fits an MPLS label
CROWD = 10_000  # range of first numbers to try when many switches come at once
_LONGEST = 255


def hypervisor(tx: Transaction, seen: SeenHypervisor, *, interfaces: bool = True) -> None:
    """Store a hypervisor's report; without `interfaces` all but those, which `stage` writes."""
    if "/" in seen.system_id or len(seen.system_id) > _LONGEST:
        raise Invalid(f"the system-id {seen.system_id[:40]!r}... has a slash or more than {_LONGEST} characters")
    for other in tx.find(Switch, "dpid", seen.dpid):
        if other.id == adopted_id(seen.dpid):
            forget(tx, other)  # it connected over OpenFlow before its database did
        elif other.id != seen.system_id:
            raise Conflict(f"switch {other.id} has the datapath id {seen.dpid:016x} of {seen.system_id} already")
    switch = _switch(tx, seen.system_id, seen.dpid)
    granted = claims.settle(tx, switch, seen.host, seen.encap_ip)
    wanted = Switch(
        id=seen.system_id,
        number=switch.number,
        dpid=seen.dpid,
        host=granted.host,
        encap_ip=granted.encap_ip,
        underlay_mtu=seen.underlay_mtu,
        wire_mtu=switch.wire_mtu,
        tunnels=seen.tunnels if granted.encap_ip else (),
        physical=seen.physical,
        refused=granted.refused,
        zone=seen.zone,
        cut_off=seen.cut_off,
    )
    if wanted != tx.get(Switch, seen.system_id):
        tx.put(wanted)
    _watches(tx, seen)
    if interfaces:
        _interfaces(tx, seen.system_id, seen_interfaces(seen))


def _watches(tx: Transaction, seen: SeenHypervisor) -> None:
    wanted = {
        each.far_switch_id: WatchPort(
            switch_id=seen.system_id, far_switch_id=each.far_switch_id, ofport=each.ofport, up=each.up
        )
        for each in seen.watches
    }
    for port in tx.find(WatchPort, "switch_id", seen.system_id):
        if port.far_switch_id not in wanted:
            tx.delete(port)
    for port in wanted.values():
        if port != tx.get(WatchPort, port.row_id):
            tx.put(port)


def seen_interfaces(seen: SeenHypervisor) -> dict[str, Interface]:
    """The interfaces of a hypervisor as rows, by name."""
    switch_id = seen.system_id
    return {
        one.name: Interface(switch_id=switch_id, name=one.name, vif=one.vif, mac=one.mac, ofport=one.ofport)
        for one in seen.interfaces
    }


def adopted(
    tx: Transaction,
    dpid: int,
    ports: Mapping[str, int],
    name: str = "",
    *,
    crowded: bool = False,
    interfaces: bool = True,
) -> None:
    """Store an adopted bridge with its ports, name -> number, as OpenFlow reports them.

    Their VIFs come from its database, if that is connected (`bridges`).  `name`: the bridge's own, which ports may give
    as their host; not unique.  Without `interfaces` all but those is written.
    """
    if any(other.id != adopted_id(dpid) for other in tx.find(Switch, "dpid", dpid)):
        return  # its database has connected by now
    switch_id = adopted_id(dpid)
    switch = _switch(tx, switch_id, dpid, crowded)
    host = name if name and claims.is_free(tx, name) else switch_id
    if host != switch.host:
        switch = structs.replace(switch, host=host)
    if switch != tx.get(Switch, switch_id):
        tx.put(switch)
    if interfaces:
        _plug(tx, switch_id, ports)


def bridges(tx: Transaction, system_id: str, seen: Iterable[Bridge], bound: bool = False) -> list[str]:
    """Store all adopted bridges of a database, with its VIFs for those that are switches.

    `bound`: system-ids are proven, so a bridge that another database reports stays that one's.  Returns the ids of
    such bridges.
    """
    wanted = {bridge.id: bridge for bridge in seen}
    others = [each for each in sorted(wanted) if bound and _is_anothers(tx, each, system_id)]
    for each in others:
        del wanted[each]
    held = {bridge.id: bridge for bridge in tx.find(Bridge, "system_id", system_id)}
    for bridge_id in sorted(held.keys() | wanted.keys()):
        if bridge_id not in wanted:
            tx.delete(held[bridge_id])
        elif wanted[bridge_id] != tx.get(Bridge, bridge_id):
            tx.put(wanted[bridge_id])
        if tx.get(Switch, bridge_id) is not None:
            known = tx.find(Interface, "switch_id", bridge_id)
            _plug(tx, bridge_id, {interface.name: interface.ofport for interface in known})
    return others


def _is_anothers(tx: Transaction, bridge_id: str, system_id: str) -> bool:
    """Whether another hypervisor's database reports the bridge."""
    held = tx.get(Bridge, bridge_id)
    return held is not None and held.system_id != system_id


def _plug(tx: Transaction, switch_id: str, ports: Mapping[str, int]) -> None:
    """Ports as OpenFlow reports them, with what their database adds."""
    _interfaces(tx, switch_id, told_interfaces(tx.get(Bridge, switch_id), switch_id, ports))


def told_interfaces(bridge: Bridge | None, switch_id: str, ports: Mapping[str, int]) -> dict[str, Interface]:
    """The ports of an adopted switch as rows, by name."""
    said = {plugged.name: plugged for plugged in bridge.interfaces} if bridge else {}
    wanted = {}
    for name, number in ports.items():
        one = said.get(name, Plugged(name, name))
        wanted[name] = Interface(switch_id=switch_id, name=name, vif=one.vif, mac=one.mac, ofport=number)
    return wanted


def forget(tx: Transaction, switch: Switch) -> None:
    """Remove a switch with its interfaces, links, learned addresses and what is said of it as a gateway."""
    _interfaces(tx, switch.id, {})
    for link in tx.find(Link, "switch_id", switch.id):
        tx.delete(link)
    for port in tx.find(WatchPort, "switch_id", switch.id):
        tx.delete(port)
    if (server := tx.get(MetadataHost, switch.id)) is not None:
        tx.delete(server)
    if (host := tx.get(GatewayHost, switch.id)) is not None:
        tx.delete(host)
    if (bridge := tx.get(Bridge, switch.id)) is not None:
        tx.delete(bridge)
    tx.release(f"switch/{switch.number}")
    claims.release(tx, switch)
    tx.delete(switch)


def required(tx: Transaction, switch_id: str) -> Switch:
    switch = tx.get(Switch, switch_id)
    if switch is None:
        raise NotFound(f"Switch {switch_id[:64]} could not be found.", "SwitchNotFound")
    return switch


def adopted_id(dpid: int) -> str:
    """Id of a switch that no database reports."""
    return f"{dpid:016x}"


def _switch(tx: Transaction, switch_id: str, dpid: int, crowded: bool = False) -> Switch:
    """The stored switch, or a new one with the lowest free number (its name in flows)."""
    switch = tx.get(Switch, switch_id)
    if switch is not None:
        return switch
    first = random.randrange(1, CROWD) if crowded else 1  # other switches try the lowest, too
    number = lowest_free(tx.model.slots.held("switch"), first)
    while tx.holder(f"switch/{number}") is not None:  # of a switch made by this transaction
        number += 1
    if number > MOST_NUMBERS:
        raise Conflict("no switch number is free")
    switch = Switch(id=switch_id, number=number, dpid=dpid, host=switch_id)
    tx.reserve(f"switch/{number}", switch)
    return switch


def lowest_free(held: int, first: int) -> int:
    """Lowest number from `first` on that is not in the bit set `held`."""
    free = ~(held | (1 << first) - 1)
    return (free & -free).bit_length() - 1


def stage(tx: Transaction, switch_id: str, some: Mapping[str, Interface | None]) -> None:
    """Write some of a switch's interfaces (None: delete).  Does nothing when the switch is gone."""
    if tx.get(Switch, switch_id) is None:
        return
    free = _free_keys(tx, switch_id)
    for name, interface in some.items():
        known = tx.get(Interface, f"{switch_id}/{name}")
        if interface is not None:
            _write(tx, known, interface, free)
        elif known is not None:
            _remove(tx, known)


def _interfaces(tx: Transaction, switch_id: str, wanted: Mapping[str, Interface]) -> None:
    have = {interface.name: interface for interface in tx.find(Interface, "switch_id", switch_id)}
    for name, interface in have.items():
        if name not in wanted:
            _remove(tx, interface)
    free = _free_keys(tx, switch_id)
    for name, interface in wanted.items():
        _write(tx, have.get(name), interface, free)


def _remove(tx: Transaction, interface: Interface) -> None:
    if interface.allotted:
        tx.release(keys.reservation(interface.switch_id, interface.allotted))
    tx.delete(interface)


def _write(tx: Transaction, known: Interface | None, interface: Interface, free: Iterator[int]) -> None:
    same = known is not None and (known.vif, known.ofport) == (interface.vif, interface.ofport)
    since = known.since if known is not None and same else claims.since(tx, interface)
    allotted = _allotted(tx, interface, known.allotted if known is not None else 0, free)
    interface = structs.replace(interface, since=since, allotted=allotted)
    if known != interface:
        tx.put(interface)


def _allotted(tx: Transaction, interface: Interface, held: int, free: Iterator[int]) -> int:
    """Port key to allot to an interface, or the one that it holds; 0: its OpenFlow port is its key."""
    switch_id = interface.switch_id
    if interface.ofport <= keys.PLAIN:
        if held:
            tx.release(keys.reservation(switch_id, held))
        return 0
    if held:
        return held
    key = next(free, None)
    if key is None:
        raise Conflict(f"no logical port key is free on switch {switch_id}")
    tx.reserve(keys.reservation(switch_id, key), interface)
    return key


def _free_keys(tx: Transaction, switch_id: str) -> Iterator[int]:
    """Free port keys in ascending order, each checked when it is drawn.

    Members of an earlier version, which allots none, write rows without them: such rows have their OpenFlow port for a
    key until they are written again, and the reservations that they have left behind are void.
    """
    used = {one.port_key: one for one in tx.model.find(Interface, "switch_id", switch_id)}
    for key in keys.ALLOTTED:
        reservation, owner = keys.reservation(switch_id, key), used.get(key)
        before = tx.model.taken.get(f"taken/{reservation}", "")
        void = before.startswith("interface/") and (owner is None or owner.key != before or not owner.allotted)
        if void and tx.holder(reservation) == before:
            tx.release(reservation)
        if tx.holder(reservation) is None and (owner is None or owner.allotted):
            yield key


def stale(tx: Transaction, port_id: str) -> None:
    """Remove addresses learned at an interface that the port is no longer bound to."""
    at = tx.model.placement.bindings.get(port_id)
    for learned in tx.find(Learned, "port_id", port_id):
        if at is None or learned.at != at.row_id or learned.ofport != at.ofport:
            tx.delete(learned)

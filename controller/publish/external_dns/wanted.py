"""Names that differ from what has been published: the model compared with the rows, by change.

A name has one holder.  Who is published under it keeps it; a name that gets free goes to the oldest object that is to
have it.  PTR records follow from the names that are published, for addresses that an operator gave: whoever makes a
subnet chooses its addresses.  A floating IP's address has its name alone, if any.  All is bounded by turns; nothing
here is sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple, TypeVar

from controller.config.physical_networks import PhysicalNetworks
from controller.model.model import Dependency, Model
from controller.model.rows import DnsRecord, FloatingIp, Network, Port, PublishedName, Subnet, SubnetPool
from controller.publish.external_dns.claims import Key, NameClaim, NetworkNames, is_given, of_network, of_object
from controller.publish.external_dns.zones import Zones
from controller.runtime import hub

T = TypeVar("T")
SLICE = 0.001  # seconds of work before other green threads get a turn


class NameChange(NamedTuple):
    """`now`: what is to be published, without records where nothing is.  `before`: the stored row, or None."""

    now: PublishedName
    before: PublishedName | None

    @property
    def name(self) -> str:
        return self.now.id


class WantedNames:
    def __init__(self, model: Model, zones: Zones, physical: PhysicalNetworks) -> None:
        self._model = model
        self._zones = zones
        self._physical = physical
        self._claims: dict[Key, NameClaim] = {}
        self._named: dict[str, dict[Key, NameClaim]] = {}  # name -> who is to have it
        self._networks: dict[str, NetworkNames] = {}
        self._forward: dict[str, NameClaim] = {}  # name -> who has it
        self._reverse: dict[str, set[str]] = {}  # reverse name -> names that have its address
        self._floating: dict[str, str] = {}  # floating IP -> reverse name of its address
        self._floated: Counter[str] = Counter()  # reverse name -> floating IPs that have its address
        self._objects: dict[Key, None] = {}  # to look at
        self._touched: set[str] = set()  # networks to look at
        self._stale: dict[str, None] = {}  # names to look at
        self._open: dict[str, dict[str, None]] = {}  # zone -> names that differ
        self._zone_of: dict[str, str] = {}  # of a name that differs
        self.open_all()

    def open_all(self) -> None:
        """Queue every object and every name that has been published."""
        self._touched.update(self._model.rows(Network))
        self._objects.update(dict.fromkeys((FloatingIp, row_id) for row_id in self._model.rows(FloatingIp)))
        self._objects.update(dict.fromkeys((Port, row_id) for row_id in self._model.rows(Port)))
        self._stale.update(dict.fromkeys(self._model.rows(PublishedName)))

    def changed(self, touched: Iterable[Dependency]) -> bool:
        """Queue what a change of the model concerns; whether that is anything."""
        before = len(self._objects), len(self._touched), len(self._stale)
        for key in touched:
            kind, what = key[0], str(key[1])
            if len(key) == 3:
                if kind is Subnet and what == "network_id":
                    self._touched.add(str(key[2]))
            elif kind is Port or kind is FloatingIp:
                self._objects[kind, what] = None
            elif kind is Network:
                self._touched.add(what)
            elif kind is PublishedName:
                self._stale[what] = None
            elif kind is Subnet and (subnet := self._model.get(Subnet, what)) is not None:
                self._touched.add(subnet.network_id)
            elif kind is SubnetPool:  # sharing it counts as a change of it
                self._touched.update(each.network_id for each in self._model.find(Subnet, "subnetpool_id", what))
        return before != (len(self._objects), len(self._touched), len(self._stale))

    def look(self) -> None:
        """Compare all that is queued with what has been published; gives turns."""
        for network_id in hub.taking_turns(_taken(self._touched), SLICE):
            self._look_at_network(network_id)
        for key in hub.taking_turns(_drained(self._objects), SLICE):
            self._look_at_object(key)
        for name in hub.taking_turns(_drained(self._stale), SLICE):
            self._look_at_name(name)

    @property
    def pending(self) -> Mapping[str, int]:
        """How many names of each zone differ."""
        return {zone: len(names) for zone, names in self._open.items()}

    def nameless(self) -> Iterator[NameClaim]:
        """Objects that do not have the name that they are to have, because another one has it."""
        for name, claims in hub.taking_turns(list(self._named.items()), SLICE):
            holder = self._forward.get(name)
            yield from (claim for claim in claims.values() if len(claims) > 1 and claim != holder)

    def first(self, zone: str, most: int) -> list[NameChange]:
        """What differs in a zone, the longest known first."""
        found = (self._difference(name) for name in islice(self._open.get(zone, ()), most))
        return [change for change in found if change is not None]

    def differs(self, name: str) -> bool:
        """Whether a name is among those that differ, as far as they have been looked at."""
        return name in self._zone_of

    def defer(self, name: str) -> None:
        """Leave out a name that differs, until it is looked at `again` or changes."""
        self._close(name)

    def again(self, name: str) -> None:
        """Queue a name."""
        self._stale[name] = None

    # --- objects ---

    def _look_at_network(self, network_id: str) -> None:
        network = self._model.get(Network, network_id)
        before = self._networks.pop(network_id, None)
        now = of_network(self._model, network, self._physical) if network is not None else None
        if now is not None:
            self._networks[network_id] = now
        if now == before:
            return
        for port in self._model.find(Port, "network_id", network_id):
            self._objects[Port, port.id] = None
        for floating in self._model.find(FloatingIp, "floating_network_id", network_id):
            self._objects[FloatingIp, floating.id] = None

    def _look_at_object(self, key: Key) -> None:
        kind, row_id = key
        if kind is FloatingIp:
            self._look_at_address(row_id)
        if kind is Port:  # whose name its floating IPs may have
            for floating in self._model.find(FloatingIp, "port_id", row_id):
                self._claim((FloatingIp, floating.id))
        self._claim(key)

    def _look_at_address(self, floating_id: str) -> None:
        """A floating IP's address is no port's while it has it, whether it has a name or not."""
        row = self._model.get(FloatingIp, floating_id)
        given = row is not None and is_given(self._model, row, self._physical)
        now = self._zones.of_address(row.floating_ip_address)[0] if row is not None and given else ""
        before = self._floating.pop(floating_id, "")
        if now:
            self._floating[floating_id] = now
        if now == before:
            return
        if before:
            self._floated[before] -= 1
            self._stale[before] = None
            if not self._floated[before]:
                del self._floated[before]
        if now:
            self._floated[now] += 1
            self._stale[now] = None

    def _claim(self, key: Key) -> None:
        now = of_object(self._model, key, self._zones, self._physical)
        before = self._claims.pop(key, None)
        if now is not None:
            self._claims[key] = now
        if now == before:
            return
        if before is not None:
            named = self._named[before.name]
            del named[key]
            if not named:
                del self._named[before.name]
            self._stale[before.name] = None
        if now is not None:
            self._named.setdefault(now.name, {})[key] = now
            self._stale[now.name] = None

    # --- names ---

    def _look_at_name(self, name: str) -> None:
        self._settle(name)
        change = self._difference(name)
        if change is None or change.now.zone != self._zone_of.get(name):
            self._close(name)
        if change is not None:
            self._zone_of[name] = change.now.zone
            self._open.setdefault(change.now.zone, {})[name] = None

    def _close(self, name: str) -> None:
        zone = self._zone_of.pop(name, "")
        if zone:
            del self._open[zone][name]
            if not self._open[zone]:
                del self._open[zone]

    def _settle(self, name: str) -> None:
        """Who has a name; the reverse names of its addresses follow."""
        claims, row = self._named.get(name), self._model.get(PublishedName, name)
        before, now = self._forward.pop(name, None), None
        if claims:
            held = row.holder if row is not None and row.records else ""
            now = next((claim for claim in claims.values() if claim.holder == held), None) or min(claims.values())
            self._forward[name] = now
        if now == before:
            return
        for address in before.given if before is not None else ():
            reverse, _ = self._zones.of_address(address)
            self._reverse.get(reverse, set()).discard(name)
            self._stale.update({reverse: None} if reverse else {})
            if reverse in self._reverse and not self._reverse[reverse]:
                del self._reverse[reverse]
        for address in now.given if now is not None else ():
            reverse, _ = self._zones.of_address(address)
            if reverse:
                self._reverse.setdefault(reverse, set()).add(name)
                self._stale[reverse] = None

    def _difference(self, name: str) -> NameChange | None:
        before = self._model.get(PublishedName, name)
        now = self._wanted(name, before)
        if now is None:
            if before is None:
                return None
            now = PublishedName(id=name, zone=before.zone, holder=before.holder)
        elif before is not None and before.zone != now.zone and before.records:
            now = PublishedName(id=name, zone=before.zone, holder=before.holder)  # first it leaves its former zone
        same = before is not None and before.sent and (before.zone, before.records) == (now.zone, now.records)
        return None if same and before is not None and before.holder == now.holder else NameChange(now, before)

    def _wanted(self, name: str, before: PublishedName | None) -> PublishedName | None:
        claim = self._forward.get(name)
        if claim is not None:
            records = tuple(DnsRecord("AAAA" if ":" in each else "A", each) for each in sorted(claim.addresses))
            return PublishedName(id=name, zone=claim.zone, holder=claim.holder, records=records)
        targets = self._reverse.get(name, set())
        if name in self._floated:
            targets = {each for each in targets if self._forward[each].floating}
        if not targets:
            return None
        held = before.holder if before is not None else ""
        target = min(targets, key=lambda each: (not self._forward[each].floating, each != held, each))
        address = next(each for each in self._forward[target].given if self._zones.of_address(each)[0] == name)
        return PublishedName(
            id=name, zone=self._zones.of_address(address)[1], holder=target, records=(DnsRecord("PTR", target),)
        )


def _taken(queue: set[T]) -> Iterator[T]:
    """Everything in a set, taken out one by one; what is added meanwhile, too."""
    while queue:
        yield queue.pop()


def _drained(queue: dict[T, None]) -> Iterator[T]:
    while queue:
        item = next(iter(queue))
        del queue[item]
        yield item

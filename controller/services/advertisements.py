"""Router advertisements: to who solicits them at once, and to everybody again and again (RFC 4861, 6.2).

Each switch tells its own ports.  What is told follows from the model alone; when it changes, it is told at once, and
what is true no more is told with a lifetime of 0.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from ipaddress import IPv6Address, IPv6Network, ip_network
from typing import NamedTuple, TypeVar

from apps.packets.router_advertisement import (
    EVERYBODY,
    MOST_LIFETIME,
    LinkStation,
    OnLinkPrefix,
    RouterAdvertisement,
    frames,
    solicitation,
)
from apps.routing.interface import live
from apps.services.advertisements import Advertising, advertising, to_everybody_here
from apps.services.dhcp6 import STATEFUL, STATELESS
from apps.source import link_local
from controller.config.services import ServiceSettings
from controller.flow import OWN_PORT
from controller.model.reader import Reader
from controller.model.rows import Network, Router, RouterInterface
from controller.services.dispatch import Ignored, asker, to_asker
from controller.services.effective_mtu import EffectiveMtu, configured
from controller.services.told import resolvers
from controller.switches.packet_in import FrameOut, PuntedFrame
from controller.switches.periodic import Job, Work

AUTONOMOUS = ("slaac", STATELESS)  # modes in which hosts form addresses of the prefix
MOST_KEPT = 8192  # advertisements that are kept: one an interface, and former ones
_SUBJECT = " "

T = TypeVar("T")


class Told(NamedTuple):
    """What a router tells a network.  `subject`: of its job, another for each content; `wire`: frames to everybody."""

    subject: str
    segment: int
    router: LinkStation
    said: RouterAdvertisement
    wire: tuple[bytes, ...]


class RouterAdvertisements:
    """The service (`answer`) and the periodic work (`work`); it keeps what it has computed."""

    def __init__(self, settings: ServiceSettings, mtu: EffectiveMtu = configured) -> None:
        self._mtu = mtu
        self._every = settings.ra_interval
        self._lifetime = max(settings.lease, 3 * settings.ra_interval)
        self._search = tuple(filter(None, (settings.dns_domain,)))
        self._kept: dict[str, Told] = {}  # by subject of a job
        self._latest: dict[str, tuple[tuple[object, ...], Told]] = {}  # by interface, with what it was made of
        self.work = Work("router-advertisements", self._jobs, self._frames, at_once=True, ended=self._ended)

    # --- solicited ---

    def answer(self, frame: PuntedFrame, see: Reader) -> Iterator[FrameOut]:
        asked = solicitation(frame.data)
        if asked is None:
            raise Ignored("malformed")
        port = asker(frame, see)
        if port is None:
            raise Ignored("not told")
        for interface in see.find(RouterInterface, "network_id", port.network_id):
            told = self._told(interface, see)
            if told is not None:
                wire = frames(told.said, told.router, asked) if any(asked.address) else told.wire
                for each in wire:
                    yield to_asker(frame, each)

    # --- unsolicited ---

    def _jobs(self, see: Reader) -> Iterator[Job]:
        """One for each interface in a network with ports on the switch.  The subject changes with what is told."""
        for kind, network_id in see.reachable():
            if kind != "network" or not see.blocks(see.switch_id, network_id):
                continue
            for interface in see.find(RouterInterface, "network_id", network_id):
                told = self._told(interface, see)
                if told is not None:
                    yield Job(told.subject, self._every)

    def _frames(self, subject: str, see: Reader) -> Iterable[FrameOut]:
        told = self._kept.get(subject) or self._now(subject, see)
        return _out(told.segment, told.wire) if told is not None else ()

    def _ended(self, subject: str, see: Reader) -> Iterable[FrameOut]:
        """What was told and is true no more."""
        before, now = self._kept.get(subject), self._now(subject, see)
        if before is None:
            return ()
        if now is None or now.router != before.router or now.segment != before.segment:
            gone = _without(before.said, RouterAdvertisement(0))
            return _out(before.segment, frames(gone, before.router, EVERYBODY))
        gone = _without(before.said, now.said)
        if not (gone.prefixes or gone.routes or gone.resolvers or gone.search):
            return ()
        return _out(now.segment, frames(gone, now.router, EVERYBODY))

    def _now(self, subject: str, see: Reader) -> Told | None:
        interface = see.get(RouterInterface, subject.partition(_SUBJECT)[0])
        return self._told(interface, see) if interface is not None else None

    # --- what is told ---

    def _told(self, interface: RouterInterface, see: Reader) -> Told | None:
        """None where nothing is; made anew only when a row is another that it was made of."""
        found = advertising(interface, see)
        network = see.view(Network, interface.network_id)
        if found is None or network is None:
            return None
        default = any(subnet.gateway_ip in found.interface.answered for subnet in found.subnets)
        led_to = () if default else tuple(_led_to(interface, see))
        mtu = self._mtu(network)
        source = (found, mtu, default, led_to)
        latest = self._latest.get(interface.id)
        if latest is None or latest[0] != source:
            latest = source, self._make(interface.id, found, self._said(found, mtu, default, led_to))
            _put(self._latest, interface.id, latest)
        told = latest[1]
        if told.subject not in self._kept:
            _put(self._kept, told.subject, told)
        return told

    def _make(self, interface_id: str, found: Advertising, said: RouterAdvertisement) -> Told:
        mac, segment = found.interface.mac, found.interface.segment
        router = LinkStation(bytes.fromhex(mac.replace(":", "")), IPv6Address(link_local(mac)).packed)
        wire = tuple(frames(said, router, EVERYBODY))
        digest = zlib.crc32(b"".join((segment.to_bytes(4, "big"), *wire)))
        return Told(f"{interface_id}{_SUBJECT}{digest:08x}", segment, router, said, wire)

    def _said(self, found: Advertising, mtu: int, default: bool, led_to: tuple[str, ...]) -> RouterAdvertisement:
        own, subnets = found.interface.answered, found.subnets
        modes = {subnet.ra_mode for subnet in subnets}
        prefixes = [(IPv6Network(each.cidr, strict=False), each.ra_mode in AUTONOMOUS) for each in subnets]
        routes = [route.destination for subnet in subnets for route in subnet.host_routes if route.nexthop in own]
        lifetime = self._lifetime
        return RouterAdvertisement(
            lifetime=min(lifetime, MOST_LIFETIME) if default else 0,
            managed=STATEFUL in modes,
            other=not modes.isdisjoint((STATEFUL, STATELESS)),
            mtu=mtu,
            prefixes=tuple([OnLinkPrefix(prefix, autonomous, lifetime) for prefix, autonomous in prefixes]),
            routes=tuple([(IPv6Network(each, strict=False), lifetime) for each in dict.fromkeys((*routes, *led_to))]),
            resolvers=tuple(resolvers(subnets)),
            search=self._search,
            dns_lifetime=lifetime,
        )


def _put(kept: dict[str, T], key: str, value: T) -> None:
    if key not in kept and len(kept) >= MOST_KEPT:
        del kept[next(iter(kept))]
    kept[key] = value


def _led_to(interface: RouterInterface, see: Reader) -> list[str]:
    """IPv6 prefixes that a router leads to from an interface: its other networks' and its extra routes'."""
    found: list[str] = []
    for other in see.find(RouterInterface, "router_id", interface.router_id):
        there = live(other, see) if other.id != interface.id else None
        if there is not None:
            found += [str(prefix) for prefix in there.prefixes(see)]
    router = see.view(Router, interface.router_id)
    found += [route.destination for route in router.routes] if router is not None else []
    return [each for each in found if ip_network(each, strict=False).version == 6]


def _without(before: RouterAdvertisement, now: RouterAdvertisement) -> RouterAdvertisement:
    """What `now` is silent about, with lifetimes of 0."""
    prefixes, routes = {each.prefix for each in now.prefixes}, {prefix for prefix, _ in now.routes}
    return now._replace(
        prefixes=tuple([each._replace(lifetime=0) for each in before.prefixes if each.prefix not in prefixes]),
        routes=tuple([(prefix, 0) for prefix, _ in before.routes if prefix not in routes]),
        resolvers=tuple([each for each in before.resolvers if each not in now.resolvers]),
        search=tuple([each for each in before.search if each not in now.search]),
        dns_lifetime=0,
    )


def _out(segment: int, wire: Iterable[bytes]) -> Iterator[FrameOut]:
    for each in wire:
        yield FrameOut(OWN_PORT, to_everybody_here(segment), each)

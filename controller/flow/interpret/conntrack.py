"""The connections of one switch as a value: what the userspace datapath of Open vSwitch 3.1 does (conntrack.c).

Not here: time, so nothing expires; TCP's windows and closing, so every packet of a known connection is part of it;
checksums; helpers (FTP, TFTP).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ..tracking import Nat
from .ends import Ends, addresses_of, asks, ends_of, has_ports, is_error, with_ends
from .frame import INNER, STATE, Frame
from .tracker import DNAT, EST, INV, NEW, REL, RPL, SNAT, TRK, TrackRequest, TrackVerdict

_CLASSES = ((1, 511), (600, 1023), (1024, 65535))
_SYN, _ACK = 2, 16
_LATER, _ANY_FRAGMENT = 3, 1


class TrackedConnection(NamedTuple):
    """`origin`: the ends of its first packet; `answer`: those that packets of the other direction come with, which are
    not the reverse where NAT translates.  `side`: what is translated, `src`, `dst` or "".
    """

    zone: int
    origin: Ends
    answer: Ends
    side: str = ""
    mark: int = 0
    label: int = 0
    answered: bool = False


Place = tuple[int, Ends]  # zone, and the ends in one direction
Datagram = tuple[int, int, int, int, bool]  # zone, source, target, protocol, whether it was tracked there before


class Conntrack(NamedTuple):
    """`known`: a connection under each of its directions.  `fragments`: of datagrams whose first fragment was seen."""

    known: Mapping[Place, TrackedConnection] = {}
    fragments: Mapping[Datagram, Ends] = {}

    @property
    def connections(self) -> list[TrackedConnection]:
        return [one for place, one in self.known.items() if place == (one.zone, one.origin)]

    def track(self, frame: Frame, request: TrackRequest) -> TrackVerdict | None:
        if frame.get("ip_frag", 0) & _ANY_FRAGMENT:
            return self._fragment(frame, request)
        if is_error(frame):
            return self._related(frame, request)
        ends = ends_of(frame)
        return self._invalid(request) if ends is None else self._track(frame, ends, request)

    def _fragment(self, frame: Frame, request: TrackRequest) -> TrackVerdict | None:
        """All fragments of a datagram share the fate of the first, which has the ports; they leave as fragments.

        Open vSwitch holds those whose first has not come to the same action: one that was dropped after it was tracked
        never does.  The others are told the first one's connection, without its ports.
        """
        ends = ends_of(frame)
        if ends is None:
            return self._invalid(request)
        again = bool(_before(frame, request.zone))
        datagram = (request.zone, ends.source, ends.target, ends.protocol, again)
        if frame["ip_frag"] != _LATER:
            seen = self._replace(fragments={**self.fragments, datagram: ends})
            return seen._track(frame, ends, request)
        if datagram not in self.fragments:
            return None
        verdict = self._track(frame, self.fragments[datagram], request)
        return verdict._replace(tracked={**verdict.tracked, "ct_tp_src": 0, "ct_tp_dst": 0})

    def _related(self, frame: Frame, request: TrackRequest) -> TrackVerdict:
        """An ICMP error: part of the connection whose packet it quotes; one about nothing known is invalid."""
        quoted = ends_of(frame, INNER)
        if quoted is None:
            return self._invalid(request)
        natted = bool(_before(frame, request.zone) & (SNAT | DNAT))
        found, reply = self._find(quoted.reverse, request.zone, natted)
        if found is None:
            return self._invalid(request)
        if request.force and reply and not found.side:
            return self._without(found)._invalid(request)
        state = REL | (RPL if reply else 0)
        translated: Frame = {}
        if request.nat is not None and found.side and not natted:
            state |= _side_bit(found.side, reply)
            inner = (found.origin if reply else found.answer).reverse if reply else found.answer
            if reply:
                inner = found.origin
            translated = with_ends(frame, inner, INNER)
            outer = ends_of_error(frame)
            changed = (
                outer._replace(target=inner.source)
                if (found.side == "src") == reply
                else outer._replace(source=inner.target)
            )
            translated |= with_ends(frame, changed)
        return self._told(frame, found, state, request, translated)

    def _invalid(self, request: TrackRequest) -> TrackVerdict:
        return TrackVerdict({"ct_state": INV | TRK, "ct_zone": request.zone}, {}, self)

    def _track(self, frame: Frame, ends: Ends, request: TrackRequest) -> TrackVerdict:
        zone = request.zone
        natted = bool(_before(frame, zone) & (SNAT | DNAT))
        found, reply = self._find(ends, zone, natted)
        if found is not None and request.force and reply and not found.side:
            return self._without(found)._new(frame, ends, request)  # one that is translated is not forgotten
        if found is None:
            return self._new(frame, ends, request)
        answered = found.answered or reply
        begins = ends.protocol != 6 or frame.get("tcp_flags", 0) & (_SYN | _ACK) == _SYN
        state = (NEW if begins and not answered else EST) | (RPL if reply else 0)
        translated: Frame = {}
        if request.nat is not None and found.side and not natted:
            state |= _side_bit(found.side, reply)
            other = found.origin if reply else found.answer
            translated = with_ends(frame, other.reverse)
        seen = found._replace(answered=answered)
        return self._with(seen)._told(frame, seen, state, request, translated)

    def _find(self, ends: Ends, zone: int, natted: bool) -> tuple[TrackedConnection | None, bool]:
        """A packet's connection, and whether it goes against the first one's direction.

        A packet that an action before has translated is known by what its answer would look like.
        """
        if natted and (found := self.known.get((zone, ends.reverse))) is not None:
            return found, ends.reverse == found.origin
        found = self.known.get((zone, ends))
        return found, found is not None and ends != found.origin

    def _new(self, frame: Frame, ends: Ends, request: TrackRequest) -> TrackVerdict:
        answers = ends.protocol == 6 and frame.get("tcp_flags", 0) & (_SYN | _ACK) == _SYN | _ACK
        if answers or not asks(ends):
            return self._invalid(request)
        nat = request.nat
        if not request.commit:
            return self._told(frame, None, NEW, request, {}, ends)
        if nat is None:
            made = TrackedConnection(request.zone, ends, ends.reverse)
            return self._with(made)._told(frame, made, NEW, request, {})
        for answer in _choices(ends, nat):
            if (request.zone, answer) not in self.known:
                made = TrackedConnection(request.zone, ends, answer, nat.side)
                if not nat.side:
                    return self._with(made)._told(frame, made, NEW, request, {})
                state = NEW | _side_bit(nat.side, False)
                return self._with(made)._told(frame, made, state, request, with_ends(frame, answer.reverse))
        # no address and port is free: the packet goes on as it is, and no connection is made
        return self._told(frame, None, NEW, request, {}, ends)

    def _told(
        self, frame: Frame, found: TrackedConnection | None, state: int, request: TrackRequest, translated: Frame,
        ends: Ends | None = None,
    ) -> TrackVerdict:  # fmt: skip
        """The answer, the marks of a known connection set first."""
        after = self
        if found is not None:
            marked = found._replace(mark=_set(found.mark, request.mark), label=_set(found.label, request.label))
            if marked != found:
                found, after = marked, self._with(marked)
            ends = found.origin
        if not state & (SNAT | DNAT):
            state |= _before(frame, request.zone) & (SNAT | DNAT)
        tracked: Frame = {"ct_state": state | TRK, "ct_zone": request.zone}
        if found is not None:
            tracked |= {"ct_mark": found.mark, "ct_label": found.label}
        if ends is not None:
            tracked |= _original(ends)
        return TrackVerdict(tracked, translated, after)

    def _with(self, made: TrackedConnection) -> Conntrack:
        places = {(made.zone, made.origin): made, (made.zone, made.answer): made}
        if all(self.known.get(place) == made for place in places):
            return self
        return self._replace(known={**self.known, **places})

    def _without(self, gone: TrackedConnection) -> Conntrack:
        places = ((gone.zone, gone.origin), (gone.zone, gone.answer))
        return self._replace(known={place: one for place, one in self.known.items() if place not in places})


def ends_of_error(frame: Frame) -> Ends:
    """Who sends an ICMP error to whom."""
    version = "ipv4" if frame["eth_type"] == 0x0800 else "ipv6"
    return Ends(frame["eth_type"], frame.get(f"{version}_src", 0), frame.get(f"{version}_dst", 0), 0, 0, 0)


def _before(frame: Frame, zone: int) -> int:
    """What the tracker said of the packet last, in the same zone."""
    return frame.get(STATE[0], 0) if frame.get(STATE[1], 0) == zone else 0


def _set(old: int, change: tuple[int, int]) -> int:
    value, mask = change
    return old & ~mask | value & mask


def _side_bit(side: str, reply: bool) -> int:
    """The translation that a packet undergoes: its own direction's, or what undoes the other's."""
    return SNAT if (side == "src") != reply else DNAT


def _original(ends: Ends) -> Frame:
    version = "ct_nw" if ends.family == 0x0800 else "ct_ipv6"
    ports = (ends.source_port, ends.target_port) if has_ports(ends) else (ends.target_port, 0)
    return {
        f"{version}_src": ends.source, f"{version}_dst": ends.target, "ct_nw_proto": ends.protocol,
        "ct_tp_src": ports[0], "ct_tp_dst": ports[1],
    }  # fmt: skip


def _choices(ends: Ends, nat: Nat) -> Iterator[Ends]:
    """The ends that answers may come with, in the order in which they are tried: each address with each port.

    Open vSwitch starts anywhere in the range, by a hash that nobody else knows; here it starts at the beginning.
    """
    if not nat.side:  # Open vSwitch 3.1 takes the range for one that is all zeros: no answer is ever known
        yield ends.reverse._replace(source=0, target_port=0)
        return
    kept = ends.source if nat.side == "src" else ends.target
    addresses = addresses_of(nat) if nat.addresses and any(addresses_of(nat)) else range(kept, kept + 1)
    given = range(nat.ports[0], nat.ports[-1] + 1) if nat.ports else None
    for address in addresses:
        if nat.side == "src":
            changed, ports = ends._replace(source=address), given or _near(ends.source_port)
        else:
            changed, ports = ends._replace(target=address), _near(ends.source_port)
        if not has_ports(ends):
            yield changed.reverse
            continue
        if nat.side == "dst" and given:
            for port in given:
                changed = changed._replace(target_port=port)
                yield changed.reverse
        for port in ports:
            yield changed._replace(source_port=port).reverse


def _near(port: int) -> Iterator[int]:
    """A source port, then the others of its class, as Open vSwitch tries them when none are named."""
    first, last = next(each for each in _CLASSES if port <= each[1])
    yield from range(max(port, first), last + 1)
    yield from range(first, port)

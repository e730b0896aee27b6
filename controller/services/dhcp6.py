"""DHCPv6: answers to clients from the model (RFC 8415), to each port with its own addresses and nobody else's.

Nothing is stored: a lease is that an address is a port's.  So whichever controller answers, it answers the same, and
what a client says it had is compared with what its port has.  What is no address of the port counts as of another
link: its frames from there would go nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv6Address

from apps.packets import dhcp6, udp
from apps.packets.dhcp6 import ClientMessage, IdentityAssociation, LeaseTimes
from apps.packets.domain_names import encoded
from apps.services.address import ADDRESS6, MAC
from apps.services.dhcp6 import SERVER_PORT
from controller.config.services import ServiceSettings
from controller.model.names import assignments
from controller.model.reader import Reader
from controller.model.rows import Port
from controller.services.dhcp6_terms import Dhcp6Rows, Dhcp6Terms, rows_of, terms
from controller.services.dispatch import Ignored, asker, to_asker
from controller.services.leases import Leases
from controller.switches.packet_in import FrameOut, PuntedFrame

MOST_KEPT = 16_384  # ports whose terms are kept
_ANSWERED_MULTICAST_ONLY = (dhcp6.SOLICIT, dhcp6.CONFIRM, dhcp6.REBIND, dhcp6.INFORMATION_REQUEST)  # 16
_BINDING = (dhcp6.REQUEST, dhcp6.RENEW, dhcp6.REBIND)
_TO_ANY_SERVER = (dhcp6.SOLICIT, dhcp6.CONFIRM, dhcp6.REBIND)
_MAC, _ADDRESS = bytes.fromhex(MAC.replace(":", "")), IPv6Address(ADDRESS6).packed
_PREFERRED = dhcp6.option(dhcp6.PREFERENCE, b"\xff")  # no other server needs to be waited for
_UPDATED, _OTHERWISE = 1, 2  # flags of a name: the server updates the address record; the client did not ask for it
_RAPID = dhcp6.option(dhcp6.RAPID_COMMIT, b"")


class Dhcp6:
    """The service; it keeps what it has computed, and nothing that decides an answer."""

    def __init__(self, settings: ServiceSettings, leases: Leases) -> None:
        self._settings = settings
        self._leases = leases
        self._kept: dict[str, tuple[Dhcp6Rows, Dhcp6Terms]] = {}  # by port

    def answer(self, frame: PuntedFrame, see: Reader) -> Iterator[FrameOut]:
        datagram = udp.read(frame.data)
        if datagram is None or len(datagram.source) != 16 or datagram.target_port != SERVER_PORT:
            raise Ignored("malformed")
        if datagram.source[0] == 0xFF or not any(datagram.source):
            raise Ignored("malformed")
        asked = dhcp6.read(datagram.payload)
        if asked is None:
            raise Ignored("relayed" if datagram.payload and datagram.payload[0] in dhcp6.RELAYED else "malformed")
        port = asker(frame, see)
        rows = rows_of(port, see) if port is not None else None
        if rows is None:
            raise Ignored("not told")
        own = self._terms(rows)
        if asked.name is not None or (asked.wanted is not None and dhcp6.CLIENT_FQDN in asked.wanted):
            own = own._replace(options={**own.options, **self._name(rows.port, asked, see)})
        unicast = datagram.target[0] != 0xFF
        said = reply(asked, own, unicast=unicast)
        if not unicast:
            self._note(rows.port.id, asked, own)
        back = udp.Datagram(
            _MAC, datagram.eth_src, _ADDRESS, datagram.source, SERVER_PORT, datagram.source_port, said
        )  # fmt: skip
        yield to_asker(frame, udp.write(back))

    def _note(self, port_id: str, asked: ClientMessage, own: Dhcp6Terms) -> None:
        """What operators are shown of leases; it decides nothing."""
        ias = _of_kind(asked, dhcp6.IA_NA)
        if asked.kind in (dhcp6.RELEASE, dhcp6.DECLINE):
            note = self._leases.released if asked.kind == dhcp6.RELEASE else self._leases.declined
            for address in own.held:
                if any(address in each.addresses for each in ias):
                    note(port_id, str(IPv6Address(address)))
        elif asked.kind in _BINDING or (asked.kind == dhcp6.SOLICIT and asked.rapid):
            for address in own.held if ias else ():
                self._leases.acknowledged(port_id, str(IPv6Address(address)), own.times.lifetime)

    def _name(self, port: Port, asked: ClientMessage, see: Reader) -> dict[int, bytes]:
        """The name of the port, to a client that says or asks for one: here the network itself makes it known
        (RFC 4704, 6).
        """
        names = [each.fqdn for each in assignments(port, see, self._settings.naming) if ":" in each.ip_address]
        if not names or not names[0].endswith("."):
            return {}
        flags = _UPDATED if asked.name is None or asked.name.asks_update else _UPDATED | _OTHERWISE
        return {dhcp6.CLIENT_FQDN: dhcp6.option(dhcp6.CLIENT_FQDN, bytes((flags,)) + encoded(names[0]))}

    def _terms(self, rows: Dhcp6Rows) -> Dhcp6Terms:
        kept = self._kept.get(rows.port.id)
        if kept is not None and kept[0].same(rows):
            return kept[1]
        made = terms(rows, _times(self._settings), self._settings.dns_domain)
        if len(self._kept) >= MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[rows.port.id] = rows, made
        return made


def _times(settings: ServiceSettings) -> LeaseTimes:
    return LeaseTimes(settings.lease, settings.renewal, settings.rebinding)


def reply(asked: ClientMessage, own: Dhcp6Terms, *, unicast: bool = False) -> bytes:
    """The server's message to a client.  Raises Ignored where it gets none (16, 18.3)."""
    _check(asked, own, unicast)
    said = [dhcp6.option(dhcp6.SERVER_ID, own.server)]
    if asked.client:
        said.append(dhcp6.option(dhcp6.CLIENT_ID, asked.client))
    if unicast:
        said.append(dhcp6.status(dhcp6.USE_MULTICAST, "ask all servers"))
        return dhcp6.message(dhcp6.REPLY, asked.transaction, said)
    kind = dhcp6.REPLY
    if asked.kind == dhcp6.SOLICIT:
        if asked.rapid and own.held and _of_kind(asked, dhcp6.IA_NA):
            said.append(_RAPID)
        else:
            kind = dhcp6.ADVERTISE
            said.append(_PREFERRED)
    said += _ANSWERS[asked.kind](asked, own)
    if sum(map(len, said)) > own.room:
        raise Ignored("too long")
    if asked.kind in _WITH_OPTIONS:
        wanted = asked.wanted if asked.wanted is None or asked.name is None else asked.wanted | {dhcp6.CLIENT_FQDN}
        said += own.wanted(wanted, own.room - sum(map(len, said)))
    return dhcp6.message(kind, asked.transaction, said)


def _check(asked: ClientMessage, own: Dhcp6Terms, unicast: bool) -> None:
    """Which messages are not answered at all (16.2 to 16.12)."""
    if asked.kind == dhcp6.INFORMATION_REQUEST:
        if asked.ias:
            raise Ignored("malformed")
    elif not asked.client or (asked.kind in _TO_ANY_SERVER) == bool(asked.server):
        raise Ignored("malformed")
    if asked.server and asked.server != own.server:
        raise Ignored("for another server")
    if unicast and asked.kind in _ANSWERED_MULTICAST_ONLY:
        raise Ignored("unicast")


def _of_kind(asked: ClientMessage, kind: int) -> list[IdentityAssociation]:
    return [each for each in asked.ias if each.kind == kind]


def allotted(ias: Sequence[IdentityAssociation], held: Sequence[bytes]) -> dict[bytes, list[bytes]]:
    """The port's addresses that each IA_NA gets, by its id: each address once.

    An IA keeps what it names of them.  Then those without any get one each, and the first gets the rest.
    """
    left = list(held)
    found: dict[bytes, list[bytes]] = {}
    for each in ias:
        found[each.iaid] = [address for address in left if address in each.addresses]
        left = [address for address in left if address not in each.addresses]
    for addresses in found.values():
        if left and not addresses:
            addresses.append(left.pop(0))
    if found:
        next(iter(found.values())).extend(left)
    return found


def _nothing_else(asked: ClientMessage, *, bound: bool = False) -> Iterator[bytes]:
    """Neither temporary addresses nor prefixes are given; `bound`: the client says that it has some."""
    for each in asked.ias:
        if each.kind == dhcp6.IA_PD:
            yield dhcp6.refused(each, dhcp6.NO_BINDING if bound else dhcp6.NO_PREFIXES, "no prefixes here")
        elif each.kind == dhcp6.IA_TA:
            code = dhcp6.NO_BINDING if bound else dhcp6.NO_ADDRESSES
            yield dhcp6.refused(each, code, "no temporary addresses here")


def _offer(asked: ClientMessage, own: Dhcp6Terms) -> Iterator[bytes]:
    """To SOLICIT (18.3.1, 18.3.9): what the client names is not looked at, but for which IA has which address."""
    ias = _of_kind(asked, dhcp6.IA_NA)
    given = allotted(ias, own.held)
    for each in ias:
        if given[each.iaid]:
            yield dhcp6.addresses(each.iaid, given[each.iaid], (), own.times)
        else:
            yield dhcp6.refused(each, dhcp6.NO_ADDRESSES, "the port has no more addresses")
    yield from _nothing_else(asked)


def _assign(asked: ClientMessage, own: Dhcp6Terms) -> Iterator[bytes]:
    """To REQUEST (18.3.2)."""
    ias = _of_kind(asked, dhcp6.IA_NA)
    given = allotted([each for each in ias if all(map(own.on_link, each.addresses))], own.held)
    for each in ias:
        if each.iaid not in given:
            yield dhcp6.refused(each, dhcp6.NOT_ON_LINK, "of another link")
        elif given[each.iaid]:
            gone = [address for address in each.addresses if address not in own.held]
            yield dhcp6.addresses(each.iaid, given[each.iaid], gone, own.times)
        else:
            yield dhcp6.refused(each, dhcp6.NO_ADDRESSES, "the port has no more addresses")
    yield from _nothing_else(asked)


def _extend(asked: ClientMessage, own: Dhcp6Terms) -> Iterator[bytes]:
    """To RENEW and REBIND (18.3.4, 18.3.5): addresses that are not the port's are to be used no more."""
    ias = _of_kind(asked, dhcp6.IA_NA)
    given = allotted(ias, own.held)
    for each in ias:
        gone = [address for address in each.addresses if address not in own.held]
        if given[each.iaid] or gone:
            yield dhcp6.addresses(each.iaid, given[each.iaid], gone, own.times)
        else:
            yield dhcp6.refused(each, dhcp6.NO_BINDING, "the port has no address for it")
    yield from _nothing_else(asked, bound=True)


def _confirm(asked: ClientMessage, own: Dhcp6Terms) -> Iterator[bytes]:
    """To CONFIRM (18.3.3)."""
    named = [address for each in _of_kind(asked, dhcp6.IA_NA) for address in each.addresses]
    named += [address for each in _of_kind(asked, dhcp6.IA_TA) for address in each.addresses]
    if not named:
        raise Ignored("malformed")
    if all(address in own.held for address in named):
        yield dhcp6.status(dhcp6.SUCCESS, "all addresses are the port's")
    else:
        yield dhcp6.status(dhcp6.NOT_ON_LINK, "not all addresses are the port's")


def _given_back(asked: ClientMessage, own: Dhcp6Terms) -> Iterator[bytes]:
    """To RELEASE and DECLINE (18.3.7, 18.3.8): noted by the client alone, for the address stays the port's."""
    yield dhcp6.status(dhcp6.SUCCESS)
    for each in asked.ias:
        if each.kind != dhcp6.IA_NA or not any(address in own.held for address in each.addresses):
            yield dhcp6.refused(each, dhcp6.NO_BINDING, "the port has none of it")


def _options_only(asked: ClientMessage, own: Dhcp6Terms) -> Iterator[bytes]:
    """To INFORMATION-REQUEST (18.3.6)."""
    return iter(())


_ANSWERS = {
    dhcp6.SOLICIT: _offer,
    dhcp6.REQUEST: _assign,
    dhcp6.RENEW: _extend,
    dhcp6.REBIND: _extend,
    dhcp6.CONFIRM: _confirm,
    dhcp6.RELEASE: _given_back,
    dhcp6.DECLINE: _given_back,
    dhcp6.INFORMATION_REQUEST: _options_only,
}
_WITH_OPTIONS = (dhcp6.SOLICIT, dhcp6.REQUEST, dhcp6.RENEW, dhcp6.REBIND, dhcp6.INFORMATION_REQUEST)

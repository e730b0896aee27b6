"""DHCP for IPv4, answered from the model (RFC 2131): a port is given its own fixed addresses, and nothing else.

Who asks is the port that the frame came in by, whatever the message says; what is asked for and is not the port's is
refused (DHCPNAK), for no other server gives addresses on the network.  A server restarted, or another member, answers
as this one would have: no answer depends on an earlier one.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import NamedTuple

from apps.packets import udp
from apps.packets.dhcp4 import (
    ACK,
    BROADCAST,
    CLIENT,
    DECLINE,
    DISCOVER,
    INFORM,
    KIND,
    LEASE,
    MASK,
    MESSAGE,
    MOST,
    MTU,
    NAK,
    OFFER,
    PARAMETERS,
    RELEASE,
    REQUEST,
    REQUESTED,
    SERVER,
    T1,
    T2,
    BootFields,
    Dhcp4Message,
    MalformedDhcp,
    lasting,
    packed,
    read,
    reply,
)
from apps.packets.dhcp4_names import INFINITE
from apps.services.address import MAC
from controller.config.services import ServiceSettings
from controller.model.reader import Reader
from controller.model.rows import Network, Port, Subnet
from controller.services.dhcp4_options import SERVER_ID, DhcpAddress, client_tags, disabled, told
from controller.services.dispatch import Ignored, asker, to_asker
from controller.services.effective_mtu import EffectiveMtu, EffectiveNetworks, configured
from controller.services.leases import FOREVER, Leases
from controller.switches.packet_in import FrameOut, PuntedFrame

_NONE, _TO_ALL = bytes(4), b"\xff" * 4
_TO_ALL_MAC = b"\xff" * 6
_SERVER_MAC = bytes.fromhex(MAC.replace(":", ""))
_LEAST_DATAGRAM = 576  # bytes that every client takes (RFC 2131, 2)
_HEADERS = 20 + 8 + 240  # of IP and UDP, and the fields before the options
_FORCED = (LEASE, T1, T2, MASK, MTU)  # told whether asked for or not
_MOST_PREPARED = 4096  # ports whose answers are kept from one message to the next
_MOST_REPLIES = 8  # of one port


class _Prepared:
    """What is the same in all replies to a port, for as long as the rows that it follows from are the same."""

    __slots__ = ("addresses", "by_hand", "mac", "network", "port", "replies", "subnets")

    def __init__(self, port: Port, network: Network, subnets: list[Subnet]) -> None:
        self.port, self.network, self.subnets = port, network, subnets
        self.mac = bytes.fromhex(port.mac_address.replace(":", ""))
        served = {each.id: each for each in subnets if each.enable_dhcp and each.ip_version == 4}
        self.addresses = {
            at: DhcpAddress(at, served[fixed.subnet_id])
            for fixed in port.fixed_ips
            if fixed.subnet_id in served
            for at in (IPv4Address(fixed.ip_address).packed,)
        }
        # Its other addresses, where DHCP gives it none: who has one of them by hand is not told to drop it.
        self.by_hand = (
            ()
            if self.addresses
            else tuple(IPv4Address(fixed.ip_address).packed for fixed in port.fixed_ips if ":" not in fixed.ip_address)
        )
        self.replies: dict[tuple[object, ...], tuple[bytes, int]] = {}

    def follows(self, port: Port, network: Network, subnets: list[Subnet]) -> bool:
        return (
            self.port is port
            and self.network is network
            and len(self.subnets) == len(subnets)
            and all(map(_same, self.subnets, subnets))
        )


def _same(one: object, other: object) -> bool:
    return one is other


class _Outcome(NamedTuple):
    """What to do about a message.  `kind`: of the reply, 0 for none."""

    kind: int
    at: DhcpAddress | None = None
    why: str = ""  # of a DHCPNAK


class Dhcp4:
    """The service.  Its answers depend on the message, the model and the settings alone; leases are told to a table."""

    def __init__(self, settings: ServiceSettings, leases: Leases, mtu: EffectiveMtu = configured) -> None:
        self._settings = settings
        self._networks = EffectiveNetworks(mtu)
        self._leases = leases
        self._known: dict[str, _Prepared] = {}

    def answer(self, frame: PuntedFrame, see: Reader) -> Iterator[FrameOut]:
        """The reply to a client's message, to the port that it came from.  Raises `Ignored` where there is none."""
        datagram = udp.read(frame.data)
        if datagram is None:
            raise Ignored("malformed")
        try:
            message = read(datagram.payload)
        except MalformedDhcp as error:
            raise Ignored(f"malformed: {error}") from None
        if message.giaddr != _NONE:
            raise Ignored("relayed")
        prepared = self._prepared(asker(frame, see), see)
        if message.chaddr != prepared.mac:
            raise Ignored("hardware address of another")
        outcome = self._outcome(message, prepared)
        if outcome.kind == NAK:
            data = _refusal(message, outcome.why)
            yield to_asker(frame, _frame(_TO_ALL_MAC, _TO_ALL, data))
        elif outcome.at is not None:
            rest, seconds = self._reply(outcome.kind, message, prepared, outcome.at)
            data = reply(message, message.ciaddr if outcome.kind == ACK else _NONE, rest)
            yield to_asker(frame, _frame(*_destination(message, prepared, outcome.at), data))
            if seconds:
                self._leases.acknowledged(
                    prepared.port.id, str(IPv4Address(outcome.at.packed)), FOREVER if seconds == INFINITE else seconds
                )

    def _prepared(self, port: Port | None, see: Reader) -> _Prepared:
        network = see.get(Network, port.network_id) if port is not None else None
        if port is None or network is None:
            raise Ignored("no port")
        network = self._networks.of(network)
        subnets = see.find(Subnet, "network_id", network.id)
        found = self._known.get(port.id)
        if found is None or not found.follows(port, network, subnets):
            found = _Prepared(port, network, subnets)
            if len(self._known) >= _MOST_PREPARED:
                del self._known[next(iter(self._known))]
            self._known[port.id] = found
        return found

    def _outcome(self, message: Dhcp4Message, prepared: _Prepared) -> _Outcome:
        """RFC 2131, 4.3."""
        if disabled(prepared.port):
            raise Ignored("switched off at the port")
        kind, own = message.kind, prepared.addresses
        if kind == DISCOVER:
            if not own:
                raise Ignored("no address")
            return _Outcome(OFFER, own.get(message.options.get(REQUESTED, b"")) or next(iter(own.values())))
        if kind == REQUEST:
            return _requested(message, prepared)
        if kind == INFORM:
            if message.ciaddr not in own:
                raise Ignored("address of another")
            return _Outcome(ACK, own[message.ciaddr])
        if kind in (DECLINE, RELEASE):
            self._given_back(message, prepared)
            return _Outcome(0)
        raise Ignored("malformed: message type of a server")

    def _given_back(self, message: Dhcp4Message, prepared: _Prepared) -> None:
        declined = message.kind == DECLINE
        address = message.options.get(REQUESTED, b"") if declined else message.ciaddr
        if message.options.get(SERVER) != SERVER_ID or address not in prepared.addresses:
            raise Ignored("address of another")
        note = self._leases.declined if declined else self._leases.released
        note(prepared.port.id, str(IPv4Address(address)))

    def _reply(self, kind: int, message: Dhcp4Message, prepared: _Prepared, at: DhcpAddress) -> tuple[bytes, int]:
        """The lasting part of a reply, and the seconds of the lease: 0 with an offer, or for DHCPINFORM."""
        options = message.options
        tags = client_tags(message, prepared.port, at.subnet)
        asked = options.get(PARAMETERS, b"")
        room = max(int.from_bytes(options.get(MOST, b""), "big"), _LEAST_DATAGRAM)
        room = min(room, max(prepared.network.mtu, _LEAST_DATAGRAM)) - _HEADERS
        key = (kind, message.kind == INFORM, at.packed, asked, options.get(CLIENT), room, tags)
        found = prepared.replies.get(key)
        if found is None:
            if len(prepared.replies) >= _MOST_REPLIES:
                prepared.replies.clear()
            found = prepared.replies[key] = self._composed(kind, message, prepared, at, room)
        return found

    def _composed(
        self, kind: int, message: Dhcp4Message, prepared: _Prepared, at: DhcpAddress, room: int
    ) -> tuple[bytes, int]:
        tags = client_tags(message, prepared.port, at.subnet)
        said = told(prepared.port, prepared.network, at, prepared.subnets, tags, self._settings)
        values = dict(said.values)
        seconds = int.from_bytes(values[LEASE], "big") if kind == ACK else 0
        if message.kind == INFORM:  # RFC 2131, 4.3.5
            for code in (LEASE, T1, T2):
                del values[code]
            seconds = 0
        asked = message.options.get(PARAMETERS)
        wanted = [*_FORCED, *(values if asked is None else asked), *said.extra]
        options = [(KIND, bytes((kind,))), (SERVER, SERVER_ID)]
        if CLIENT in message.options:
            options.append((CLIENT, message.options[CLIENT]))  # RFC 6842
        options += [(code, values[code]) for code in dict.fromkeys(wanted) if code in values]
        yiaddr = _NONE if message.kind == INFORM else at.packed
        return lasting(prepared.mac, yiaddr, said.boot.siaddr, packed(options, room, said.boot)), seconds


def _requested(message: Dhcp4Message, prepared: _Prepared) -> _Outcome:
    """RFC 2131, 4.3.2: which of the four states a client is in, is seen from what its message has."""
    server, asked = message.options.get(SERVER), message.options.get(REQUESTED)
    if server is not None and server != SERVER_ID:
        raise Ignored("for another server")
    address = asked if message.ciaddr == _NONE else message.ciaddr
    if address is None:
        raise Ignored("malformed: no address requested")
    if address in prepared.addresses:
        return _Outcome(ACK, prepared.addresses[address])
    if address in prepared.by_hand:
        raise Ignored("no address")
    return _Outcome(NAK, None, "not an address of this port")


def _refusal(message: Dhcp4Message, why: str) -> bytes:
    options = [(KIND, bytes((NAK,))), (SERVER, SERVER_ID), (MESSAGE, why.encode())]
    if CLIENT in message.options:
        options.append((CLIENT, message.options[CLIENT]))
    rest = lasting(message.chaddr, _NONE, _NONE, packed(options, _LEAST_DATAGRAM - _HEADERS, BootFields()))
    return reply(message, _NONE, rest)


def _destination(message: Dhcp4Message, prepared: _Prepared, at: DhcpAddress) -> tuple[bytes, bytes]:
    """MAC and address that a reply goes to (RFC 2131, 4.1)."""
    if message.ciaddr != _NONE:
        return prepared.mac, message.ciaddr
    if message.flags[0] & BROADCAST >> 8:
        return _TO_ALL_MAC, _TO_ALL
    return prepared.mac, at.packed


def _frame(mac: bytes, address: bytes, data: bytes) -> bytes:
    return udp.write(udp.Datagram(_SERVER_MAC, mac, SERVER_ID, address, 67, 68, data))

"""DHCP messages between a relay agent and servers: DHCPv4 (RFC 1542, RFC 3046, RFC 3527) and DHCPv6 (RFC 8415, 19).

Messages come from tenants and from the network, so each length is checked before it is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import pack, unpack_from
from typing import NamedTuple

from .dhcp4 import MalformedDhcp

_OPTIONS, _COOKIE = 240, b"\x63\x82\x53\x63"
_PAD, _KIND, _SERVER_ID, _AGENT, _END = 0, 53, 54, 82, 255
_CIRCUIT, _LINK = 1, 5  # sub-options of 82 (RFC 3046, 2; RFC 3527)
_REPLY, _SERVER_KINDS = 2, (2, 5, 6)  # OFFER, ACK, NAK
_MOST_HOPS = 16  # RFC 1542, 4.1.1
LONGEST = 4096  # bytes of a server's message; clients behind Ethernet take less (RFC 2132, 9.10)
SILENT = (4, 7)  # DECLINE and RELEASE: nobody answers them

RELAY_FORWARD, RELAY_REPLY = 12, 13
_RELAY_HEAD, _RELAY_MESSAGE, _INTERFACE_ID = 34, 9, 18
_IA_NA, _IA_TA, _IA_PD, _IA_ADDRESS, _IA_PREFIX = 3, 4, 25, 5, 26
_CLIENT_KINDS = (1, 3, 4, 5, 6, 8, 9, 11)  # what clients send to servers (RFC 8415, 7.3)
_ANSWER_KINDS = (2, 7)  # ADVERTISE, REPLY


class RelayedAnswer(NamedTuple):
    """What a server says to a client behind the relay.  `circuit`: what it returns of the relay's own; `addresses` that
    it gives the client, packed; `message` as the client gets it; `xid`: of the transaction.
    """

    xid: bytes
    circuit: bytes
    addresses: tuple[bytes, ...]
    message: bytes
    peer: bytes = b""  # hardware address (IPv4), address of the client (IPv6)


# --- IPv4 -------------------------------------------------------------------------------------------------------------


def relayed4(message: bytes, relay: bytes, circuit: bytes, link: bytes) -> bytes:
    """A client's message as it goes to servers.  `relay`: the address that they answer, `link`: one in the subnet.

    Raises MalformedDhcp, also for one that claims to come from a relay agent (RFC 3046, 2.1.1).
    """
    if len(message) < _OPTIONS or message[0] != 1 or message[1:3] != b"\1\6" or message[236:240] != _COOKIE:
        raise MalformedDhcp("no DHCP request over Ethernet")
    hops = message[3] + 1
    if message[24:28] != bytes(4) or hops > _MOST_HOPS:
        raise MalformedDhcp("relayed")
    end = _OPTIONS
    for code, start, size in _options4(message):
        if code == _AGENT:
            raise MalformedDhcp("relayed")
        end = start + size
    agent = bytes((_CIRCUIT, len(circuit))) + circuit + bytes((_LINK, 4)) + link
    head = message[:3] + bytes((hops,)) + message[4:24] + relay + message[28:end]
    return head + bytes((_AGENT, len(agent))) + agent + bytes((_END,))


def kind4(message: bytes) -> int:
    """The message type, 0 without one.  Raises MalformedDhcp."""
    return next((message[start] for code, start, size in _options4(message) if code == _KIND and size == 1), 0)


def answer4(data: bytes, relay: bytes) -> RelayedAnswer:
    """The answer in a message from a server to this relay; without option 82, and without the relay's address.

    Raises MalformedDhcp, also for one that is longer than LONGEST.
    """
    if not _OPTIONS <= len(data) <= LONGEST or data[0] != _REPLY or data[1:3] != b"\1\6" or data[236:240] != _COOKIE:
        raise MalformedDhcp("no DHCP reply over Ethernet")
    if data[24:28] != relay or kind4(data) not in _SERVER_KINDS:
        raise MalformedDhcp("no answer to the relay")
    kept: list[bytes] = []
    circuit = b""
    for code, start, size in _options4(data):
        if code != _AGENT:
            kept.append(data[start - 2 : start + size])
            continue
        at = start
        while at + 2 <= start + size:
            if data[at] == _CIRCUIT:
                circuit = data[at + 2 : min(at + 2 + data[at + 1], start + size)]
            at += 2 + data[at + 1]
    yiaddr = data[16:20]
    message = data[:3] + b"\0" + data[4:24] + bytes(4) + data[28:_OPTIONS] + b"".join(kept) + bytes((_END,))
    return RelayedAnswer(
        data[4:8], circuit, (yiaddr,) if yiaddr != bytes(4) else (), message.ljust(300, b"\0"), data[28:34]
    )


def _options4(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Code, start and length of each option in the field of options.  Raises MalformedDhcp."""
    at = _OPTIONS
    while at < len(data) and data[at] != _END:
        if data[at] == _PAD:
            at += 1
            continue
        if at + 2 > len(data) or at + 2 + data[at + 1] > len(data):
            raise MalformedDhcp("option cut off")
        yield data[at], at + 2, data[at + 1]
        at += 2 + data[at + 1]


# --- IPv6 -------------------------------------------------------------------------------------------------------------


def relayed6(message: bytes, circuit: bytes, link: bytes, peer: bytes) -> bytes:
    """Relay-forward message with a client's message.  `link`: an address in the subnet, `peer`: the client's.

    Raises MalformedDhcp, also for a message that no client sends: so no VM is a relay agent.
    """
    if len(message) < 4 or message[0] not in _CLIENT_KINDS:
        raise MalformedDhcp("no message of a client")
    for _ in _options6(message, 4):
        pass
    options = _option6(_INTERFACE_ID, circuit) + _option6(_RELAY_MESSAGE, message)
    return bytes((RELAY_FORWARD, 0)) + link + peer + options


def answer6(data: bytes) -> RelayedAnswer:
    """The answer in a Relay-reply message.  Raises MalformedDhcp, also for one that is longer than LONGEST."""
    if not _RELAY_HEAD <= len(data) <= LONGEST or data[0] != RELAY_REPLY:
        raise MalformedDhcp("no Relay-reply")
    options = dict(_options6(data, _RELAY_HEAD))
    message = options.get(_RELAY_MESSAGE, b"")
    if len(message) < 4 or message[0] not in _ANSWER_KINDS:
        raise MalformedDhcp("no answer to a client")
    addresses = tuple(_given(message))
    return RelayedAnswer(message[1:4], options.get(_INTERFACE_ID, b""), addresses, message, data[18:34])


def _given(message: bytes) -> Iterator[bytes]:
    """Addresses, and first addresses of prefixes, that a server's message gives."""
    for code, value in _options6(message, 4):
        if code in (_IA_NA, _IA_TA, _IA_PD):
            head = 4 if code == _IA_TA else 12
            for inner, held in _options6(value, head):
                if inner == _IA_ADDRESS and len(held) >= 24:
                    yield held[:16]
                elif inner == _IA_PREFIX and len(held) >= 25:
                    yield held[9:25]


def _options6(data: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Code and value of each option behind `at`.  Raises MalformedDhcp."""
    while at < len(data):
        if at + 4 > len(data):
            raise MalformedDhcp("option cut off")
        code, size = unpack_from("!HH", data, at)
        at += 4 + size
        if at > len(data):
            raise MalformedDhcp("option cut off")
        yield code, data[at - size : at]


def _option6(code: int, value: bytes) -> bytes:
    return pack("!HH", code, len(value)) + value

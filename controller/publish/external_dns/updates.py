"""Updates of names on a DNS server: RFC 2136 messages over TCP, signed (RFC 8945).  dnspython makes and reads them.

A name that Tenet publishes has a DHCID record (RFC 4701) that says so, as the names of DHCP servers have (RFC 4703).
It is a prerequisite of every change: what others have published under a name is never touched.
"""

from __future__ import annotations

import base64
import hashlib
import socket
import struct
from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple, Protocol

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.tsig
import dns.update

from controller.config.external_dns import ExternalDnsSettings
from controller.model.rows import DnsRecord
from controller.runtime import hub

DUID, SHA256 = 2, 1  # types of identifier and of digest in DHCID (RFC 4701, 3.3 and 3.4)
DUID_UUID = b"\x00\x04"  # RFC 6355
MANAGED = ("A", "AAAA", "PTR")  # what is replaced; records of other types under a name stay


class Update(NamedTuple):
    """What is to be published under a name: these records and no others.  `known`: it is ours already, probably."""

    name: str
    zone: str
    records: tuple[DnsRecord, ...]
    known: bool


class Result(Enum):
    DONE = "done"
    NAME = "name refused"
    ZONE = "zone refused"  # as far as one answer tells


class Answer(NamedTuple):
    result: Result
    reason: str = ""


class Updater(Protocol):
    def __call__(self, updates: Sequence[Update], identity: bytes) -> list[Answer]:
        """Send updates of different names in one zone; an answer to each.  `identity`: 16 bytes, of this deployment.

        Raises OSError when the server has not answered: then any of them may have been done.
        """
        ...


def dhcid(name: str, identity: bytes) -> str:
    """DHCID record of a name, as text (RFC 4701, 3.5)."""
    wire = dns.name.from_text(name).canonicalize().to_wire() or b""
    digest = hashlib.sha256(DUID_UUID + identity + wire).digest()
    return base64.b64encode(struct.pack("!HB", DUID, SHA256) + digest).decode()


class DnsServer:
    """The primary server; one connection for each call."""

    def __init__(self, settings: ExternalDnsSettings) -> None:
        key = settings.key
        self._address = settings.server
        self._timeout = settings.timeout
        self._ttl = settings.ttl
        self._key = dns.tsig.Key(key.name, key.secret, key.algorithm)

    def __call__(self, updates: Sequence[Update], identity: bytes) -> list[Answer]:
        """As `Updater`.

        All are tried as one message, which costs the server one write; when it does not take that, each by itself.
        """
        with socket.create_connection(self._address, self._timeout) as connection:
            connection.settimeout(self._timeout)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            together = [(each, each.known or not each.records) for each in updates]
            (said,) = self._exchange(connection, [self._message(identity, *together)])
            if _answer(*said).result is Result.DONE:
                return [Answer(Result.DONE)] * len(updates)
            return self._each(connection, updates, identity)

    def _each(self, connection: socket.socket, updates: Sequence[Update], identity: bytes) -> list[Answer]:
        """Send each update as one of a name that is free, or that is ours; and where that is wrong, the other way."""
        first = [self._message(identity, (each, each.known or not each.records)) for each in updates]
        said = self._exchange(connection, first)
        answers = [_answer(*each) for each in said]
        again = [
            place for place, (rcode, _) in enumerate(said)
            if rcode in (dns.rcode.NXRRSET, dns.rcode.YXDOMAIN) and updates[place].records
        ]  # fmt: skip
        second = [self._message(identity, (updates[each], not updates[each].known)) for each in again]
        for place, each in zip(again, self._exchange(connection, second), strict=True):
            answers[place] = _answer(*each)
        return [
            Answer(Result.DONE) if answer.result is Result.NAME and not update.records else answer  # is not ours
            for update, answer in zip(updates, answers, strict=True)
        ]

    def _message(self, identity: bytes, *updates: tuple[Update, bool]) -> Any:
        """Message that does updates, all or none; with each goes whether its name is ours, or else nobody's."""
        message: Any = dns.update.UpdateMessage(updates[0][0].zone, keyring=self._key)
        for update, ours in updates:
            self._add(message, update, identity, ours=ours)
        return message

    def _add(self, message: Any, update: Update, identity: bytes, *, ours: bool) -> None:
        """Replace records of a name that is `ours`, or add them to a name that nobody has."""
        name, mark = dns.name.from_text(update.name), dhcid(update.name, identity)
        if ours:
            message.present(name, "DHCID", mark)
            for kind in MANAGED:
                message.delete(name, kind)
        else:
            message.absent(name)
        if not update.records:
            message.delete(name, "DHCID")
        elif not ours:
            message.add(name, self._ttl, "DHCID", mark)
        for record in update.records:
            message.add(name, self._ttl, record.type, record.value)

    def _exchange(self, connection: socket.socket, messages: Sequence[Any]) -> list[tuple[int, str]]:
        """Response code to each message, and what was wrong with the response or "".  Raises OSError."""
        waiting = {}
        for number, message in enumerate(messages):
            message.id = number
            wire = message.to_wire()
            waiting[number] = message
            connection.sendall(struct.pack("!H", len(wire)) + wire)
        found: dict[int, tuple[int, str]] = {}
        while len(found) < len(messages):
            wire = hub.read_whole(connection, *struct.unpack("!H", hub.read_whole(connection, 2)))
            number = int.from_bytes(wire[:2], "big")
            if number not in waiting or number in found:
                raise ConnectionError("the server answers what it was not asked")
            found[number] = _judged(waiting[number], wire)
        return [found[number] for number in range(len(messages))]


def _answer(rcode: int, fault: str) -> Answer:
    if fault:
        return Answer(Result.ZONE, fault)
    if rcode == dns.rcode.NOERROR:
        return Answer(Result.DONE)
    if rcode in (dns.rcode.NXRRSET, dns.rcode.YXDOMAIN):
        return Answer(Result.NAME, "others have records under this name")
    return Answer(Result.ZONE, f"the server answers {dns.rcode.to_text(dns.rcode.Rcode(rcode))}")


def _judged(asked: Any, wire: bytes) -> tuple[int, str]:
    """Response code of a response to a signed message, and why it is not to be believed, or ""."""
    try:
        reply = dns.message.from_wire(wire, keyring=asked.keyring, request_mac=asked.mac)
    except dns.tsig.PeerBadKey:
        return dns.rcode.NOTAUTH, f"the server does not know the key {asked.keyring.name}"
    except dns.tsig.PeerBadSignature:
        return dns.rcode.NOTAUTH, f"the server has another secret for the key {asked.keyring.name}"
    except dns.tsig.PeerBadTime:
        return dns.rcode.NOTAUTH, "the server's clock and ours differ too much for signatures"
    except (dns.exception.DNSException, ValueError) as error:  # without a signature, for one
        said = dns.rcode.to_text(dns.rcode.Rcode(wire[3] & 15)) if len(wire) > 3 else "nothing"
        return dns.rcode.SERVFAIL, f"the server's answer, {said}, is not to be believed: {error}"
    return reply.rcode(), ""

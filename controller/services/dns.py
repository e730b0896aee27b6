"""Answers to DNS questions: own names from the model, all else by upstream resolvers (RFC 1034, 1035, 6891).

`resolve` is a pure function of a message, the port that asked, and the model.  Messages of the usual form are read and
written by hand (`plain_dns`), all others by dnspython.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdata
import dns.rdtypes.ANY.PTR
import dns.rdtypes.ANY.SOA
import dns.rdtypes.IN.A
import dns.rdtypes.IN.AAAA
import dns.rrset
from dns.name import Name, from_text
from dns.rdataclass import IN
from dns.rdatatype import AAAA, PTR, SOA, A

from controller.model.rows import Port
from controller.model.rows.base import Reads

from . import plain_dns
from .own_answers import OwnAnswer, Resolver, own_answer
from .plain_dns import LEAST_RECORD, NEGATIVE_TTL, PAYLOAD, SOA_NUMBERS, TTL

PLAIN = 512  # bytes over UDP without EDNS (RFC 1035, 2.3.4)
MOST = 1024  # records of one answer
_HEADER = 12  # bytes
_A: Any = dns.rdtypes.IN.A.A  # constructors without types
_AAAA: Any = dns.rdtypes.IN.AAAA.AAAA
_PTR: Any = dns.rdtypes.ANY.PTR.PTR
_SOA: Any = dns.rdtypes.ANY.SOA.SOA


class Unanswerable(Exception):
    """A message that gets no answer, not even an error: it is no question."""


class Forward(NamedTuple):
    """A question for upstream resolvers.  `wire`: to be sent with an id of its own, 0 here; `limit`: most bytes of the
    answer.
    """

    wire: bytes
    limit: int


def resolve(wire: bytes, port: Port, reads: Reads, resolver: Resolver, tcp: bool = False) -> bytes | Forward:
    """The answer to a question that a port asks.  Raises Unanswerable.

    `tcp`: it came over TCP, so that the answer may have 65,535 bytes.
    """
    if len(wire) < _HEADER or wire[2] & 0x80:  # QR: an answer
        raise Unanswerable
    asked = plain_dns.read(wire)
    if asked is None:
        return _unusual(wire, port, reads, resolver, tcp)
    limit = _limit(asked.payload, tcp)
    found = own_answer(asked.name, asked.rdtype, port, reads, resolver)
    if found is not None:
        found = found._replace(values=_bounded(found.values, limit))
        return plain_dns.answer(wire[:2], asked, found, resolver.recursive, limit)
    return Forward(plain_dns.forwarded(asked), limit) if resolver.recursive else plain_dns.refused(wire[:2], asked)


def _limit(payload: int, tcp: bool) -> int:
    return 65_535 if tcp else max(PLAIN, min(PAYLOAD, payload))


def _bounded(values: list[str], limit: int) -> list[str]:
    """More of them than fit, if there are."""
    return values[: min(MOST, limit // LEAST_RECORD + 1)]


def _unusual(wire: bytes, port: Port, reads: Reads, resolver: Resolver, tcp: bool) -> bytes | Forward:
    """The same by dnspython: for messages of any other form."""
    if wire[2] & 0x78:
        return _refused(wire, dns.rcode.NOTIMP)  # of another opcode than QUERY
    try:
        query = dns.message.from_wire(wire)
    except (dns.exception.DNSException, ValueError):
        return _refused(wire, dns.rcode.FORMERR)
    if len(query.question) != 1:
        return _refused(wire, dns.rcode.FORMERR)
    limit = _limit(query.payload if query.edns >= 0 else 0, tcp)
    if query.edns > 0:
        return _written(_response(query, resolver, dns.rcode.BADVERS), limit)
    question = query.question[0]
    name = _text(question.name.canonicalize())
    if name and question.rdclass == IN:
        found = own_answer(name, question.rdtype, port, reads, resolver)
        if found is not None:
            return _written(_answer(query, found, resolver, limit), limit)
    if resolver.recursive and question.rdclass == IN:
        return Forward(_forwarded(query), limit)
    return _written(_response(query, resolver, dns.rcode.REFUSED), limit)


def _refused(wire: bytes, rcode: int) -> bytes:
    """A header with an error, of an answer to a message of which no more than the header counts."""
    return wire[:2] + bytes((0x80 | wire[2] & 0x79, rcode)) + bytes(8)


def _answer(query: dns.message.Message, found: OwnAnswer, resolver: Resolver, limit: int) -> dns.message.Message:
    question, zone = query.question[0], from_text(found.zone)
    answer = _response(query, resolver, dns.rcode.NOERROR if found.exists else dns.rcode.NXDOMAIN)
    answer.flags |= dns.flags.AA
    if found.values:
        rrset = dns.rrset.RRset(question.name, IN, question.rdtype)
        for value in _bounded(found.values, limit):
            rrset.add(_rdata(question.rdtype, value), TTL)
        answer.answer.append(rrset)
    elif question.rdtype == SOA and question.name == zone:
        answer.answer.append(_soa(question.name))
    else:
        answer.authority.append(_soa(zone))
    return answer


def _response(query: dns.message.Message, resolver: Resolver, rcode: int) -> dns.message.Message:
    answer = dns.message.make_response(query, recursion_available=resolver.recursive, our_payload=PAYLOAD)
    answer.set_rcode(dns.rcode.Rcode(rcode))
    return answer


def _written(answer: dns.message.Message, limit: int) -> bytes:
    return answer.to_wire(max_size=limit, prefer_truncation=True, want_shuffle=False)


def _forwarded(query: dns.message.Message) -> bytes:
    """The same question to an upstream resolver.  Options of EDNS are between two neighbours, and not passed on."""
    asked = dns.message.QueryMessage(id=0)
    asked.flags = query.flags & (dns.flags.RD | dns.flags.CD | dns.flags.AD)
    asked.question = list(query.question)
    if query.edns >= 0:
        asked.use_edns(0, query.ednsflags & dns.flags.DO, PAYLOAD)
    return asked.to_wire()


def _rdata(rdtype: int, value: str) -> dns.rdata.Rdata:
    if rdtype == A:
        found: dns.rdata.Rdata = _A(IN, A, value)
    elif rdtype == AAAA:
        found = _AAAA(IN, AAAA, value)
    else:
        found = _PTR(IN, PTR, from_text(value))
    return found


def _soa(zone: Name) -> dns.rrset.RRset:
    found = dns.rrset.RRset(zone, IN, SOA)
    found.add(_SOA(IN, SOA, zone, zone, *SOA_NUMBERS), NEGATIVE_TTL)
    return found


def _text(name: Name) -> str:
    """A name as names of ports are written; "" for one that those never are, and for the root."""
    labels = [label.decode("ascii", "replace") for label in name.labels[:-1]]
    return ".".join([*labels, ""]) if labels and not any("." in label for label in labels) else ""

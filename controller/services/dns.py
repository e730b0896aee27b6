"""Answers to DNS questions: own names from the model, all else by upstream resolvers (RFC 1034, 1035, 6891).

`resolve` is a pure function of a message, the port that asked, and the model.  dnspython reads and writes messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.PTR
import dns.rdtypes.ANY.SOA
import dns.rdtypes.IN.A
import dns.rdtypes.IN.AAAA
import dns.reversename
import dns.rrset
from dns.name import Name, from_text
from dns.rdataclass import IN
from dns.rdatatype import AAAA, PTR, SOA, A

from controller.intent import ranges
from controller.model.names import Naming
from controller.model.rows import Port, Subnet
from controller.model.rows.base import Reads

from . import own_names

PAYLOAD = 1232  # most bytes over UDP: fits into IPv6's least MTU, so that no answer needs fragments
PLAIN = 512  # bytes over UDP without EDNS (RFC 1035, 2.3.4)
MOST = 1024  # records of one answer
TTL, NEGATIVE_TTL = 30, 5  # seconds: a port may go at any time, and a name that is not there yet may come
_HEADER = 12  # bytes
_A: Any = dns.rdtypes.IN.A.A  # constructors without types
_AAAA: Any = dns.rdtypes.IN.AAAA.AAAA
_PTR: Any = dns.rdtypes.ANY.PTR.PTR
_SOA: Any = dns.rdtypes.ANY.SOA.SOA
_REVERSE = (from_text("in-addr.arpa."), from_text("ip6.arpa."))


class Unanswerable(Exception):
    """A message that gets no answer, not even an error: it is no question."""


class Forward(NamedTuple):
    """A question for upstream resolvers.  `wire`: to be sent with an id of its own, 0 here; `limit`: most bytes of the
    answer.
    """

    wire: bytes
    limit: int


class Resolver(NamedTuple):
    """What is known beside the model.  `recursive`: whether there are upstream resolvers."""

    naming: Naming = Naming()
    recursive: bool = False


def resolve(wire: bytes, port: Port, reads: Reads, resolver: Resolver, tcp: bool = False) -> bytes | Forward:
    """The answer to a question that a port asks.  Raises Unanswerable.

    `tcp`: it came over TCP, so that the answer may have 65,535 bytes.
    """
    if len(wire) < _HEADER or wire[2] & 0x80:  # QR: an answer
        raise Unanswerable
    if wire[2] & 0x78:
        return refused(wire, dns.rcode.NOTIMP)  # of another opcode than QUERY
    try:
        query = dns.message.from_wire(wire)
    except (dns.exception.DNSException, ValueError):
        return refused(wire, dns.rcode.FORMERR)
    if len(query.question) != 1:
        return refused(wire, dns.rcode.FORMERR)
    limit = 65_535 if tcp else max(PLAIN, min(PAYLOAD, query.payload if query.edns >= 0 else PLAIN))
    if query.edns > 0:
        return _written(_response(query, resolver, dns.rcode.BADVERS), limit)
    return _resolved(query, port, reads, resolver, limit)


def refused(wire: bytes, rcode: int) -> bytes:
    """A header with an error, of an answer to a message of which no more than the header counts."""
    return wire[:2] + bytes((0x80 | wire[2] & 0x79, rcode)) + bytes(8)


def _resolved(
    query: dns.message.Message, port: Port, reads: Reads, resolver: Resolver, limit: int
) -> bytes | Forward:  # fmt: skip
    question = query.question[0]
    if question.rdclass != IN:
        return _written(_response(query, resolver, dns.rcode.REFUSED), limit)
    asked = question.name.canonicalize()
    answer = _of_own(query, asked, port, reads, resolver, limit)
    if answer is not None:
        return _written(answer, limit)
    if resolver.recursive:
        return Forward(_forwarded(query), limit)
    return _written(_response(query, resolver, dns.rcode.REFUSED), limit)


def _of_own(
    query: dns.message.Message, asked: Name, port: Port, reads: Reads, resolver: Resolver, limit: int
) -> dns.message.Message | None:  # fmt: skip
    """The answer about an own name, or one in an own domain that is not there; None where others know more."""
    question, naming = query.question[0], resolver.naming
    address = _reversed(asked)
    if address:
        names = own_names.names(address, port, reads, naming)
        if not names:
            return _none(query, asked.parent(), resolver) if _is_near(address, port, reads) else None
        records = [(PTR, name) for name in names]
        return _records(query, records, asked.parent(), resolver, limit)
    name = _text(asked)
    found = own_names.addresses(name, port, reads, naming) if name else None
    own = own_names.zone(name, port, reads, naming) if name else ""
    if found is not None:
        records = [(AAAA if ":" in each else A, each) for each in found]
        return _records(query, records, from_text(own) if own else asked, resolver, limit)
    if own and (own == naming.domain or not resolver.recursive):
        if name == own:
            return _records(query, [], asked, resolver, limit)
        return _none(query, from_text(own), resolver)
    if len(asked.labels) == 2 and question.rdtype in (A, AAAA):  # a host without a domain is nothing for others
        return _none(query, asked, resolver)
    return None


def _records(
    query: dns.message.Message, records: Sequence[tuple[int, str]], zone: Name, resolver: Resolver, limit: int
) -> dns.message.Message:  # fmt: skip
    """An answer with those of a name's records that are asked for, or the zone's SOA where there are none of them."""
    question, answer = query.question[0], _response(query, resolver, dns.rcode.NOERROR)
    answer.flags |= dns.flags.AA
    values = [value for kind, value in records if kind == question.rdtype]
    if values:
        rrset = dns.rrset.RRset(question.name, IN, question.rdtype)
        for value in values[: min(MOST, limit // 16 + 1)]:  # a record takes 16 bytes or more
            rrset.add(_rdata(question.rdtype, value), TTL)
        answer.answer.append(rrset)
    elif question.rdtype == SOA and question.name == zone:
        answer.answer.append(_soa(question.name))
    else:
        answer.authority.append(_soa(zone))
    return answer


def _none(query: dns.message.Message, zone: Name, resolver: Resolver) -> dns.message.Message:
    """There is no such name (RFC 2308, 2.1)."""
    answer = _response(query, resolver, dns.rcode.NXDOMAIN)
    answer.flags |= dns.flags.AA
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
    found.add(_SOA(IN, SOA, zone, zone, 1, 3600, 600, 86_400, NEGATIVE_TTL), NEGATIVE_TTL)
    return found


def _reversed(name: Name) -> str:
    """The address that a name for PTR records is of; "" where it is none."""
    if not any(name.is_subdomain(each) for each in _REVERSE):
        return ""
    try:
        return ranges.canonical(dns.reversename.to_address(name))
    except (dns.exception.DNSException, ValueError):
        return ""


def _text(name: Name) -> str:
    """A name as names of ports are written; "" for one with other characters than those have, or for the root."""
    labels = [label.decode("ascii", "replace") for label in name.labels[:-1]]
    return ".".join([*labels, ""]) if labels and not any("." in label for label in labels) else ""


def _is_near(address: str, port: Port, reads: Reads) -> bool:
    """Whether an address is in a subnet of the asking port's network."""
    number = ranges.number(address)
    spans = [ranges.span(subnet) for subnet in reads.find(Subnet, "network_id", port.network_id)]
    version = 6 if ":" in address else 4
    return any(span.version == version and span.whole[0] <= number <= span.whole[1] for span in spans)

"""What is answered about names of ports: records, that there are none, or that others know more (decision 163)."""

from __future__ import annotations

from typing import NamedTuple

from controller.intent import ranges
from controller.model.names import Naming
from controller.model.rows import Port, Subnet
from controller.model.rows.base import Reads

from . import own_names

A, PTR, AAAA = 1, 12, 28  # types of records (RFC 1035, 3.2.2; RFC 3596)
_REVERSE4, _REVERSE6 = ".in-addr.arpa.", ".ip6.arpa."


class Resolver(NamedTuple):
    """What is known beside the model.  `recursive`: whether there are upstream resolvers."""

    naming: Naming = Naming()
    recursive: bool = False


class OwnAnswer(NamedTuple):
    """`values`: of the records that are asked for, as text; `zone`: the name that the SOA is of, where there are none.

    `exists`: there are records of that name, if not of that type.
    """

    values: list[str]
    zone: str
    exists: bool = True


def own_answer(name: str, rdtype: int, asker: Port, reads: Reads, resolver: Resolver) -> OwnAnswer | None:
    """What is known of a name, which is in lower case with its last dot; None where others may know more."""
    naming, parent = resolver.naming, name.partition(".")[2]
    if name.endswith((_REVERSE4, _REVERSE6)) and (address := _reversed(name)):
        names = own_names.names(address, asker, reads, naming)
        if not names:
            return OwnAnswer([], parent, exists=False) if _is_near(address, asker, reads) else None
        return OwnAnswer(names if rdtype == PTR else [], parent)
    found = own_names.addresses(name, asker, reads, naming)
    zone = own_names.zone(name, asker, reads, naming)
    if found is not None:
        values = [each for each in found if rdtype == (AAAA if ":" in each else A)]
        return OwnAnswer(values, zone or name)
    if zone and (zone == naming.domain or not resolver.recursive):
        return OwnAnswer([], zone, exists=name == zone)
    if not parent and rdtype in (A, AAAA):  # a host without a domain is nothing for others
        return OwnAnswer([], name, exists=False)
    return None


def _reversed(name: str) -> str:
    """The address that a name for PTR records is of; "" where it is none."""
    four = name.endswith(_REVERSE4)
    labels = name.removesuffix(_REVERSE4 if four else _REVERSE6).split(".")[::-1]
    if four:
        said = ".".join(labels) if len(labels) == 4 else ""
    elif len(labels) == 32 and all(len(label) == 1 for label in labels):
        said = ":".join("".join(labels[at : at + 4]) for at in range(0, 32, 4))
    else:
        said = ""
    try:
        return ranges.canonical(said)
    except ValueError:
        return ""


def _is_near(address: str, asker: Port, reads: Reads) -> bool:
    """Whether an address is in a subnet of the asking port's network."""
    number = ranges.number(address)
    spans = [ranges.span(subnet) for subnet in reads.find(Subnet, "network_id", asker.network_id)]
    version = 6 if ":" in address else 4
    return any(span.version == version and span.whole[0] <= number <= span.whole[1] for span in spans)

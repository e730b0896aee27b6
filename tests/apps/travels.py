"""What flows read and write of the bits that travel with a packet, along every path through the tables of a switch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from apps.pipeline import CLASSIFY, TRAVELS
from controller.flow import Action, Flow, Group
from controller.flow.actions import Spread
from controller.flow.bits import Bits
from controller.flow.fields import FIELDS, Field, Subfield, subfield
from controller.flow.spec import SWITCH
from controller.flow.tracking import Track

Known = dict[str, int]  # field -> the bits of it that every path so far has written


class Use(NamedTuple):
    """A flow reads or writes bits of a field."""

    flow: Flow
    place: str
    mask: int
    write: bool
    known: Known  # when it does


class Jump(NamedTuple):
    """A packet goes from a flow to another table."""

    table: int
    known: Known


def complaints(flows: Iterable[Flow], used: set[tuple[str, str, bool]] | None = None) -> list[str]:
    """What a switch's flows do to bits that the declaration does not allow.

    `used` takes in (what bits mean, table, whether it writes) of all that is done.
    """
    found = []
    for use in uses(list(flows)):
        overlapping = [bits for bits in TRAVELS if bits.place == use.place and bits.mask & use.mask]
        if use.mask & ~sum(bits.mask for bits in overlapping):
            found.append(f"undeclared bits of {use.place}: {use.flow}")
        for bits in overlapping:
            found += [f"{bits.meaning}: {why}: {use.flow}" for why in _faults(use, bits)]
            if used is not None:
                used.add((bits.meaning, use.flow.table.name, use.write))
    return found


def _faults(use: Use, bits: Bits) -> Iterator[str]:
    if use.flow.table.name not in (bits.set_by if use.write else bits.read_by):
        yield f"not to be {'set' if use.write else 'read'} in {use.flow.table.name}"
    if use.write and bits.mask & ~(use.mask | use.known.get(bits.place, 0)):
        yield "set in part"  # and not whole before
    if not use.write and not bits.zero and use.mask & bits.mask & ~use.known.get(bits.place, 0):
        yield "read where a path has not set it"


def uses(flows: list[Flow]) -> Iterator[Use]:
    """All uses, each with what is known to be written on every path to it."""
    tables: dict[int, list[Flow]] = {}
    for flow in flows:
        tables.setdefault(flow.table.number, []).append(flow)
    known: dict[int, Known] = {CLASSIFY.number: {}}
    todo = [CLASSIFY.number]
    while todo:
        table = todo.pop()
        for flow in tables.get(table, ()):
            for one in _follow(flow, known[table]):
                if isinstance(one, Jump) and (both := _meet(known.get(one.table), one.known)) != known.get(one.table):
                    known[one.table] = both
                    todo.append(one.table)
    for table, reached in known.items():
        for flow in tables.get(table, ()):
            yield from (one for one in _follow(flow, reached) if isinstance(one, Use))


def _meet(one: Known | None, other: Known) -> Known:
    """What is written on either path; None: there was no path yet."""
    if one is None:
        return dict(other)
    return {place: one[place] & mask for place, mask in other.items() if one.get(place, 0) & mask}


def _follow(flow: Flow, reached: Known) -> Iterator[Use | Jump]:
    known = dict(reached)
    for one in flow.match:
        if FIELDS[one.name].home == SWITCH and one.name != "in_port":
            yield Use(flow, one.name, _mask(one), False, known)
    yield from _do(flow, flow.actions, known)
    if flow.metadata is not None:
        yield Use(flow, "metadata", flow.metadata[1], True, known)
        known["metadata"] = known.get("metadata", 0) | flow.metadata[1]
    if flow.goto is not None:
        yield Jump(flow.goto.number, dict(known))


def _do(flow: Flow, actions: Iterable[Action], known: Known) -> Iterator[Use | Jump]:
    """Actions in order; `known` grows by what they write.  What a resubmit writes is not counted on."""
    for action in actions:
        reads, writes = _parts(action)
        reads += [subfield(held.zone) for held in action.args if isinstance(held, Track) and isinstance(held.zone, str)]
        for part in reads:
            yield Use(flow, part.spec.name, (1 << part.bits) - 1 << part.first, False, dict(known))
        for part in writes:
            mask = (1 << part.bits) - 1 << part.first
            yield Use(flow, part.spec.name, mask, True, known)
            known[part.spec.name] = known.get(part.spec.name, 0) | mask
        for held in action.args:
            if action.kind == "resubmit" and isinstance(held, int):
                yield Jump(held, dict(known))
            elif isinstance(held, Track) and held.table is not None:
                yield Jump(held.table, dict(known))
            elif isinstance(held, Group):
                for bucket in held.buckets:
                    yield from _do(flow, bucket.actions, dict(known))
        if action.kind == "clone":
            yield from _do(flow, [held for held in action.args if isinstance(held, Action)], dict(known))


def _parts(action: Action) -> tuple[list[Subfield], list[Subfield]]:
    """The parts of a switch's own fields that an action reads, and those that it writes."""
    parts = [held for held in action.args if isinstance(held, Subfield)]
    if action.kind == "set_field":
        what = action.args[0]
        assert isinstance(what, Field)
        parts = [Subfield(FIELDS[what.name], 0, FIELDS[what.name].bits)]
    parts += [held.target for held in action.args if isinstance(held, Spread)]
    reads = parts[:1] if action.kind in ("move", "output_reg", "push") else []
    return _own(reads), _own(parts[len(reads) :])


def _own(parts: list[Subfield]) -> list[Subfield]:
    """Those of the switch's own fields; of a field that is made of registers, the registers."""
    found: list[Subfield] = []
    for part in parts:
        if part.spec.parts:
            assert part.whole, part
            found += map(subfield, part.spec.parts)
        elif part.spec.home == SWITCH and part.spec.name != "in_port":
            found.append(part)
    return found


def _mask(one: Field) -> int:
    return (1 << FIELDS[one.name].bits) - 1 if one.mask is None else int.from_bytes(one.mask, "big")

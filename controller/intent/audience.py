"""Recipients of change events: the projects that saw an object before a commit, and those that see it after.

An object is also reported when its row is unchanged but other projects see it now, or it shows data of other rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

from controller.model.model import Model
from controller.model.overlay import Overlay
from controller.model.rows import KINDS, RbacPolicy, Row, Standard
from controller.model.rows.base import DECLARED, REFERRERS, SHAREABLE, Reads

from .visibility import NOBODY, Audience, audience

Changes = Sequence[tuple[Row | None, Row | None]]


class ChangeRecord(NamedTuple):
    """One object in a commit.  `whom`: of those who saw it and see it, only these are told; None: all of them."""

    before: Row | None
    after: Row | None
    saw: Audience
    sees: Audience
    whom: Audience | None = None


def told(model: Model, rows: Changes) -> tuple[ChangeRecord, ...]:
    """Objects to report for a commit.  `model` is at its revision."""
    past: Reads = model
    if any(isinstance(after, RbacPolicy) or type(before) in _judged_by() for before, after in rows):
        past = Overlay(model, [(after, before) for before, after in rows])
    found: dict[str, ChangeRecord] = {}
    for before, after in rows:
        row = after or before
        if row is not None and (before != after or isinstance(row, Standard)):  # shown with its revision
            saw = NOBODY if before is None else audience(past, before)
            found[row.key] = ChangeRecord(before, after, saw, NOBODY if after is None else audience(model, after))
    for row, whom in _others(model, rows):
        if row.key not in found:
            found[row.key] = ChangeRecord(row, row, audience(past, row), audience(model, row), whom)
    return tuple(found.values())


@cache
def _judged_by() -> frozenset[type[Row]]:
    """Kinds of rows by which it is judged who sees others: a commit without any needs no look at how it was before."""
    return frozenset((RbacPolicy, *(KINDS[declared.parent.to] for declared in DECLARED.values() if declared.parent)))


def _others(model: Model, rows: Changes) -> Iterator[tuple[Row, Audience | None]]:
    """Objects whose rows are unchanged but which are shown differently, or to other projects."""
    for before, after in rows:
        row = after or before
        if isinstance(row, RbacPolicy):
            whom = frozenset(each.target for each in (before, after) if isinstance(each, RbacPolicy))
            yield from ((each, whom) for each in _shared_by(model, row))
        elif row is not None:
            declared = DECLARED[type(row)]
            showing = (reference.of(model, row) for reference in declared.references if reference.shown)
            yield from ((each, None) for each in showing if each is not None)
            if declared.alters is not None:
                yield from ((each, None) for each in declared.alters(model, before, after))


def _shared_by(model: Model, policy: RbacPolicy) -> Iterable[Row]:
    """The shared object, and those children that are shared with it."""
    shared = model.get(SHAREABLE[policy.object_type], policy.object_id)
    if shared is None:
        return
    yield shared
    for kind, reference in REFERRERS.get(policy.object_type, ()):
        declared = DECLARED[kind]
        if reference == declared.parent and declared.seen is not None and declared.seen.parent_shared:
            yield from model.find(kind, reference.field, shared.id)

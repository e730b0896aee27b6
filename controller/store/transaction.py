"""Optimistic transactions: rules read the replica and write rows, committed all or nothing.

Reads are recorded with their revisions.  The store refuses the commit when any of them has changed since; then the
rules run again on the newer replica.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any, Generic, NamedTuple, TypeVar

from msgspec.structs import replace

from controller.model.model import Model
from controller.model.rows import KINDS, NAMES, Row, Standard
from controller.runtime.errors import Changed, Unavailable

from .codec import encode
from .replica import Replica
from .store import RESTORING, Store

log = logging.getLogger("tenet.store")
R = TypeVar("R", bound=Row)
T = TypeVar("T")
ATTEMPTS = 50


class Taken(Exception):
    """Error: another row has the reservation; `holder` is its key ("" when that row is not in the replica yet)."""

    def __init__(self, key: str, holder: str) -> None:
        super().__init__(f"{key} is taken by {holder}")
        self.key = key
        self.holder = holder


class Transaction:
    """Recorded reads of a consistent replica, and writes that depend on them.  Rules must not wait meanwhile."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.read: dict[str, int] = {}
        self.write: dict[str, bytes | None] = {}
        self._own: dict[str, Row | None] = {}  # rows as this transaction writes them
        self._written: set[type[Row]] = set()  # kinds of these
        self._own_of: dict[type[Row], dict[str, Row]] = {}  # those that exist afterwards, by kind and key
        self._own_index: dict[tuple[type[Row], str], dict[object, dict[str, Row]]] = {}  # of these
        self._reserved: dict[str, str | None] = {}
        self.memo: dict[object, Any] = {}  # results of guarded reads, for the next objects of a bulk request

    def get(self, kind: type[R], row_id: str) -> R | None:
        """A row with this transaction's writes; the commit is refused if it changes, appears or vanishes meanwhile."""
        key = f"{NAMES[kind]}/{row_id}"
        if key in self._own:
            return self._own[key]  # type: ignore[return-value]
        self.read.setdefault(key, self.model.revisions.get(key, 0))
        return self.model.get(kind, row_id)

    def find(self, kind: type[R], index: str, value: object) -> list[R]:
        """Rows by an index of the model, with this transaction's writes; rows found are guarded as by `get`.

        Rows that appear meanwhile are not noticed: use `guard` with a prefix of reservations for that.
        """
        rows = self.model.find(kind, index, value)
        if kind not in self._written:
            for row in rows:
                key = row.key
                if key not in self.read:
                    self.read[key] = self.model.revisions.get(key, 0)
            return rows
        found = {row.row_id: row for row in rows}
        for row in found.values():
            if row.key not in self._own:
                self.read.setdefault(row.key, self.model.revisions.get(row.key, 0))
        for own in self._own_by(kind, index, value).values():
            found[own.row_id] = own  # type: ignore[assignment]
        return [row for row_id, row in sorted(found.items()) if self._own.get(row.key, row) == row]

    def _own_by(self, kind: type[R], index: str, value: object) -> dict[str, Row]:
        """Rows written by this transaction, by an attribute, or by each item of an attribute that is a tuple."""
        found = self._own_index.get((kind, index))
        if found is None:
            found = self._own_index[kind, index] = {}
            for row in self._own_of.get(kind, {}).values():
                _add(found, index, row)
        return found.get(value, {})

    def _reindex(self, kind: type[Row], old: Row | None, new: Row | None) -> None:
        for (indexed, index), found in self._own_index.items():
            if indexed is not kind:
                continue
            for value in () if old is None else _values(getattr(old, index)):
                found[value].pop(old.row_id, None)  # type: ignore[union-attr]
            if new is not None:
                _add(found, index, new)

    def put(self, row: Row) -> None:
        """Write a new or changed row; the commit is refused if it changes meanwhile.

        A tenant's object gets its next revision number, once, however often this transaction puts it.
        """
        key = row.key
        if isinstance(row, Standard):
            before = self.model.get(type(row), row.row_id)
            row = replace(row, revision=1 + (0 if before is None else self.model.revision_of(before)))
        self.read.setdefault(key, self.model.revisions.get(key, 0))
        self._own[key] = row
        self._written.add(type(row))
        own = self._own_of.setdefault(type(row), {})
        self._reindex(type(row), own.get(key), row)
        own[key] = row
        self.write[key] = encode(row)

    def delete(self, row: Row) -> None:
        key = row.key
        self.read.setdefault(key, self.model.revisions.get(key, 0))
        self._own[key] = None
        self._written.add(type(row))
        self._reindex(type(row), self._own_of.get(type(row), {}).pop(key, None), None)
        self.write[key] = None

    def changes(self) -> Iterator[tuple[Row | None, Row | None]]:
        """Rows that this transaction writes, before and after; None: the row does not exist."""
        for key, row in self._own.items():
            kind, _, row_id = key.partition("/")
            yield self.model.get(KINDS[kind], row_id), row

    def holder(self, what: str) -> str | None:
        """Key of the row that has reservation `what` (without "taken/"), or None when it is free."""
        key = f"taken/{what}"
        if key in self._reserved:
            return self._reserved[key]
        return self.model.taken.get(key)

    def reserve(self, what: str, holder: Row) -> None:
        """Reserve `what` for a row; raises `Taken` when another row has it."""
        key, by = f"taken/{what}", holder.key
        now = self._reserved[key] if key in self._reserved else self.model.taken.get(key)
        if now is not None:
            if now != by:
                raise Taken(key, now)
            return
        if key not in self.read:
            self.read[key] = self.model.revisions.get(key, 0)
        self._reserved[key] = by
        self.write[key] = by.encode()

    def release(self, what: str) -> None:
        """Release `what`, if it is reserved."""
        key = f"taken/{what}"
        if self.holder(what) is None:
            return
        self._reserved[key] = None
        if self.model.taken.get(key) is None:
            del self.write[key]  # reserved and released within this transaction
        else:
            self.read.setdefault(key, self.model.revisions[key])
            self.write[key] = None

    def guard(self, prefix: str) -> None:
        """Guard against changes: the commit is refused if any key below `taken/<prefix>/` is written or deleted."""
        self.read.setdefault(f"taken/{prefix}/", self.model.revision)  # the first of two reads counts


def _values(held: object) -> tuple[object, ...]:
    """Index values of an attribute: the value itself, and each item of a tuple."""
    return (held, *held) if isinstance(held, tuple) else (held,)


def _add(found: dict[object, dict[str, Row]], index: str, row: Row) -> None:
    for value in _values(getattr(row, index)):
        found.setdefault(value, {})[row.row_id] = row


class Outcome(NamedTuple, Generic[T]):
    """Result of the rules, and the revision at which it is durable and in the replica."""

    value: T
    revision: int


def transact(store: Store, replica: Replica, rules: Callable[[Transaction], T]) -> Outcome[T]:
    """Run `rules` until their commit is accepted, then wait until the replica has it.

    `rules` may run several times and must have no effect except on their transaction.  Their exceptions end it.
    Raises Unavailable, also during a restore and after an interrupted one.
    """
    for _ in range(ATTEMPTS):
        transaction = Transaction(replica.model)
        value = rules(transaction)
        if not transaction.write:
            return Outcome(value, replica.model.revision)
        if RESTORING in replica.model.taken:
            raise Unavailable("the store is being restored")
        try:
            revision = store.commit({**transaction.read, RESTORING: 0}, transaction.write)
        except Changed as changed:
            log.debug("again: %s", changed)
            replica.wait(changed.revision)
            continue
        replica.wait(revision)
        return Outcome(value, revision)
    raise Unavailable("too many writers for the same objects; try again")

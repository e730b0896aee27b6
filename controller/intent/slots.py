"""Quota enforcement under concurrent writers, without locks or counters.

Every object of a project with a limit holds a numbered slot, a reservation like that of an address: of two writers that
take the same one, the store refuses one.  Only the lowest free slots may be taken, as many as are left of the limit.
docs/decisions/0041-quotas.md explains why that suffices.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from controller.intent.env import Means
from controller.model.rows import Quota, Row
from controller.model.rows.base import QUOTAS
from controller.runtime.errors import Conflict
from controller.store.transaction import Transaction

from .quotas import UNLIMITED, used

_EXEMPT = "beyond limits"
WINDOW = 65_536  # free slots to draw from: concurrent writers rarely collide


def exempt(tx: Transaction, row: Row) -> None:
    """Let no limit refuse a row that this transaction makes; it counts nevertheless."""
    tx.memo.setdefault(_EXEMPT, set()).add(row.key)


def settle(tx: Transaction, defaults: Mapping[str, int], means: Means) -> None:
    """Take slots for created objects and release those of deleted ones, at the end of a transaction.

    Raises Conflict (OverQuota), naming every resource over its limit.
    """
    if not tx.write:
        return
    made: dict[tuple[str, str], list[Row]] = {}
    beyond: dict[tuple[str, str], int] = {}
    exempted = tx.memo.get(_EXEMPT, ())
    for before, after in list(tx.changes()):
        row: Any = after or before
        name = type(row).kind_name() if row is not None else ""
        if name not in QUOTAS:
            continue
        if before is None and row.key in exempted:
            beyond[row.project_id, name] = beyond.get((row.project_id, name), 0) + 1
        elif before is None:
            made.setdefault((row.project_id, name), []).append(row)
        elif after is None:
            slot = tx.model.slots.of(row.key)
            if slot is not None:
                tx.release(slot)
    over = [
        name
        for (project, name), rows in sorted(made.items())
        if not _take(tx, project, name, rows, beyond.get((project, name), 0), defaults, means)
    ]
    if over:
        raise Conflict(f"Quota exceeded for resources: {over}.", "OverQuota")


def _take(
    tx: Transaction, project_id: str, name: str, rows: list[Row], beyond: int, defaults: Mapping[str, int], means: Means
) -> bool:
    """Take a slot for each row; False when there were too few.  `beyond`: new rows that have none and count."""
    own = tx.get(Quota, project_id)
    limit = (own.limits if own is not None else {}).get(name, defaults.get(name, UNLIMITED))
    if limit < 0:
        return True
    left = limit - used(tx.model, project_id, name) - beyond
    if left < len(rows):
        return False
    quota = f"quota/{quote(project_id, safe='')}/{name}"
    for row, number in zip(rows, draw(tx.model.slots.held(quota), left, len(rows), means), strict=True):
        tx.reserve(f"{quota}/{number}", row)
    return True


def draw(held: int, left: int, count: int, means: Means) -> list[int]:
    """`count` consecutive free slots from a random start among the `left` lowest ones; `held`: bits of used slots."""
    top = _top(held, min(left, WINDOW + count))
    free = ~held & (1 << top) - 1
    start = means.below(top)
    found = []
    for _ in range(count):
        rest = free >> start
        if not rest:
            start, rest = 0, free
        number = start + (rest & -rest).bit_length() - 1
        found.append(number)
        free ^= 1 << number
        start = number
    return found


def _top(held: int, free: int) -> int:
    """The number below which exactly `free` slots are free."""
    low, high = free, free + held.bit_count()
    while low < high:
        middle = (low + high) // 2
        if middle - (held & (1 << middle) - 1).bit_count() < free:
            low = middle + 1
        else:
            high = middle
    return low

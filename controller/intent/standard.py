"""Standard attributes of tenants' objects: id, description, tags, times, revision number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, TypeVar

from msgspec.structs import replace

from controller.intent.env import Means
from controller.model.rows import Standard
from controller.runtime.errors import Invalid
from controller.store.transaction import Transaction

S = TypeVar("S", bound=Standard)
MOST_TAGS = 50


class StandardRequest(TypedDict, total=False):
    name: str
    description: str
    tags: tuple[str, ...]


def fields(project_id: str, request: Mapping[str, Any], means: Means) -> dict[str, Any]:
    """Standard fields of a new object."""
    now = means.now()
    return {
        "id": means.new_id(),
        "project_id": project_id,
        "name": request.get("name", ""),
        "description": request.get("description", ""),
        "tags": checked_tags(request.get("tags", ())),
        "created_at": now,
        "updated_at": now,
    }


def change(tx: Transaction, row: S, changes: Mapping[str, Any], means: Means) -> S:
    """Write changed fields, with a new time; without a change nothing is written."""
    changed = replace(row, **changes)
    if changed == row:
        return row
    changed = replace(changed, updated_at=means.now())
    tx.put(changed)
    return changed


def touch(tx: Transaction, row: Standard, means: Means) -> None:
    """Raise an object's revision and time after a change of data that is shown with it."""
    tx.put(replace(row, updated_at=means.now()))


def checked_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """Unique tags in order.  Raises Invalid for too many."""
    found = tuple(sorted(set(tags)))
    if len(found) > MOST_TAGS:
        raise Invalid(f"Invalid input for operation: {len(found)} tags are more than {MOST_TAGS}.")
    return found

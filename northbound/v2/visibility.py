"""Visible rows: those that the caller's project sees (`controller.intent.visibility`), as policy has it.

By default what is hidden is the same for every object of a kind, and is asked once for a whole list.  An operator's
rules may look at each object; then each is asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from controller.intent import visibility
from controller.model.rows import KINDS, Row
from controller.runtime import hub
from controller.runtime.errors import Forbidden

from ..answer import SLICE
from ..ask import Ask
from ..resource import Resource, ResourceView, ShownRow


def sees(view: ResourceView, row: Row) -> bool:
    """Whether the caller's project sees the row."""
    return view.caller.operator or visibility.sees(view.model, view.caller.project_id, row)


def there(view: ResourceView, kind: type[Row], row: Row | None) -> bool:
    """Is there a row, and for the caller to see?"""
    known = visibility.knows(view.model, view.caller.project_id, kind, row)
    return row is not None and (view.caller.operator or known)


class RuleTarget(Mapping[str, Any]):
    """What policy rules look at: an object's attributes, and of the network (or what else it is on)
    `network:project_id`, `network:shared`.

    Each attribute is computed when a rule reads it, and most rules read few: it is for one check, and not to be kept.
    """

    def __init__(self, object_: Mapping[str, Any], resource: Resource, ask: Ask, on_id: str) -> None:
        """`on_id`: of the network, "" where it is on none."""
        self._object = object_
        self._on = resource.on
        self._on_id = on_id
        self._ask = ask

    def __getitem__(self, name: str) -> Any:
        on = self._on
        if on is not None and name.startswith(on.to) and name in (owner := self._owner()):
            return owner[name]
        return self._object[name]

    def __iter__(self) -> Iterator[str]:
        yield from dict.fromkeys((*self._object, *self._owner()))

    def __len__(self) -> int:
        return len({*self._object, *self._owner()})

    def _owner(self) -> dict[str, Any]:
        on, view = self._on, self._ask.view
        above: Any = view.model.get(KINDS[on.to], self._on_id) if on is not None else None
        if on is None or above is None:
            return {}
        return {
            f"{on.to}:project_id": above.project_id,
            f"{on.to}:tenant_id": above.project_id,
            f"{on.to}:shared": visibility.shared(view.model, self._on_id, self._ask.caller.project_id),
        }


def target(resource: Resource, ask: Ask, row: Row, view: ResourceView | None = None) -> RuleTarget:
    """What policy rules look at: the object as it is, and who owns what it is on."""
    on_id = str(getattr(row, resource.on.field)) if resource.on is not None else ""
    return RuleTarget(ShownRow(resource, view or ask.view, row), resource, ask, on_id)


def may_get(resource: Resource, ask: Ask, row: Row) -> bool:
    """Whether the caller sees this object, and policy lets it."""
    return sees(ask.view, row) and bool(judged(resource, ask, [row]))


def judged(resource: Resource, ask: Ask, rows: Sequence[Row], view: ResourceView | None = None) -> list[Row]:
    """Those of the rows, each there for the caller, that policy lets it get.  Others have their turn meanwhile."""
    if not judges(resource, ask):
        return list(rows)
    each = hub.taking_turns(rows, SLICE)
    return [row for row in each if _may(ask, resource, target(resource, ask, row, view))]


def may_list(resource: Resource, ask: Ask) -> bool:
    """Whether the caller may see any; which of them, `filters` and `judged` know."""
    mine = {"project_id": ask.caller.project_id, "tenant_id": ask.caller.project_id}
    return judges(resource, ask) or _may(ask, resource, mine)


def hidden(resource: Resource, ask: Ask) -> Sequence[str]:
    """Attributes that the caller is not shown of every object: by these nobody filters or sorts."""
    return [*ask.context.policy.hidden(ask.caller, resource.policy_name, None)]


def shown(
    resource: Resource, ask: Ask, rows: Sequence[Row], names: Collection[str] = (), view: ResourceView | None = None
) -> list[dict[str, object]]:
    """Each row as the caller is shown it."""
    return list(each_shown(resource, ask, rows, names, view))


def each_shown(
    resource: Resource, ask: Ask, rows: Iterable[Row], names: Collection[str] = (), view: ResourceView | None = None
) -> Iterator[dict[str, object]]:
    """As `shown`, one row after the other."""
    over = view or ask.view
    if not judges(resource, ask):
        same = hidden(resource, ask)
        show = resource.showing(names, same)
        return (show(over, row) for row in rows)
    return (_shown(resource, ask, row, names, over) for row in rows)


def _shown(resource: Resource, ask: Ask, row: Row, names: Collection[str], view: ResourceView) -> dict[str, object]:
    own = ask.context.policy.hidden(ask.caller, resource.policy_name, target(resource, ask, row, view))
    return resource.show(view, row, names, own)


def judges(resource: Resource, ask: Ask) -> bool:
    """Whether policy looks at each object."""
    return not ask.caller.operator and ask.context.policy.judges(resource.policy_name)


def _may(ask: Ask, resource: Resource, of: Mapping[str, Any]) -> bool:
    try:
        ask.context.policy.check(ask.caller, f"get_{resource.policy_name}", of)
    except Forbidden:
        return False
    return True

"""Filters of lists: equality on every attribute, repeated for "or", those on tags and times, and `fields`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, cast

from controller.intent.visibility import candidates
from controller.model.rows import Row, Standard
from controller.runtime import hub
from controller.runtime.errors import Invalid

from ..answer import SLICE
from ..resource import BAD_REQUEST, Filter, Resource, ResourceView, Show
from .visibility import sees, there

NOT_FILTERS = ("fields", "limit", "marker", "page_reverse", "sort_key", "sort_dir")
Query = Mapping[str, list[str]]


class Selection:
    """Rows that the caller sees and whose every filtered attribute shows one of the values asked for.

    By what is hidden nobody filters: it would tell the value, guess by guess.
    """

    def __init__(
        self, resource: Resource, view: ResourceView, query: Query, hidden: Collection[str] = (), above: str = ""
    ) -> None:
        """`above`: only what is below this object.  Raises Invalid."""
        wanted = {name: values for name, values in query.items() if name not in NOT_FILTERS}
        special = _special(resource)
        unknown = sorted((wanted.keys() - resource.shown.keys() - special.keys()) | (wanted.keys() & set(hidden)))
        if unknown:
            raise Invalid(f"{[name[:64] for name in unknown]} is invalid attribute for filtering.", BAD_REQUEST)
        self._resource = resource
        self._view = view
        self._wanted = wanted
        self._above = above
        self._tests = [
            special[name](values) if name in special else _equality(resource.shown[name], values)
            for name, values in wanted.items()
        ]

    def __contains__(self, row: Row) -> bool:
        view = self._view
        if self._above and not self._below(row):
            return False
        return all(test(view, row) for test in self._tests) and sees(view, row)

    def _below(self, row: Row) -> bool:
        return self._resource.on is not None and getattr(row, self._resource.on.field) == self._above

    def has(self, row_id: str) -> bool:
        """Of a row that the caller may not see as much is done as of one that is not."""
        row = self._view.model.get(self._resource.kind, row_id)
        return there(self._view, self._resource.kind, row) and row is not None and row in self

    def rows(self) -> Iterator[Row]:
        """By their ids: those that are there now, tested one by one while others have their turn."""
        few = _few(self._resource, self._view, self._wanted)
        every = self._view.model.snapshot(self._resource.kind) if few is None else _ordered(few)
        return filter(self.__contains__, hub.taking_turns(every, SLICE))

    def beyond(self, start: str, reverse: bool) -> Iterator[Row]:
        """Those after an id, or before it and backwards; "" is the beginning, or the end."""
        return filter(self.__contains__, self._candidates(start, reverse))

    def _candidates(self, start: str, reverse: bool) -> Iterable[Row]:
        few = _few(self._resource, self._view, self._wanted)
        if self._above and self._resource.on is not None and "id" not in self._wanted:
            few = self._view.model.find(self._resource.kind, self._resource.on.field, self._above)
        if few is None:
            return self._view.model.ordered(self._resource.kind, start, reverse=reverse)
        found = _ordered(few)
        if start:
            found = [row for row in found if (row.row_id < start if reverse else row.row_id > start)]
        return reversed(found) if reverse else found


def select(resource: Resource, view: ResourceView, query: Query, hidden: Collection[str] = ()) -> Iterator[Row]:
    return Selection(resource, view, query, hidden).rows()


def fields(resource: Resource, query: Query) -> list[str]:
    """The attributes to show, [] for all; names that do not exist are as good as not said, as in OpenStack."""
    asked = query.get("fields", [])
    return [name for name in resource.shown if name in asked]


def _few(resource: Resource, view: ResourceView, wanted: Query) -> Iterable[Row] | None:
    """Few rows that hold all that match: by id, else what the caller may see, else by the index that finds least.

    None where that may be all there are.  Whoever is not the operator has no row of others walked over: it takes time,
    and time tells how many there are.
    """
    model, kind = view.model, resource.kind
    if "id" in wanted:
        rows = [model.get(kind, row_id) for row_id in wanted["id"]]
        return [row for row in rows if there(view, kind, row) and row is not None]
    if not view.caller.operator:
        return candidates(model, kind, view.caller.project_id, wanted)
    found = [(index, values) for name, index in resource.index.items() if (values := _indexed(name, wanted))]
    if resource.tagged and "tags" in wanted:
        found.append(("tags", [min(_tags(wanted["tags"]), key=lambda tag: model.count(kind, "tags", tag))]))
    if resource.tagged and "tags-any" in wanted:
        found.append(("tags", sorted(_tags(wanted["tags-any"]))))
    if found:
        index, values = min(found, key=lambda each: sum(model.count(kind, each[0], value) for value in each[1]))
        return [row for value in values for row in model.find(kind, index, value)]
    for name, find in resource.finders.items():
        if "" not in wanted.get(name, [""]):
            return find(view, wanted[name])
    return None


def _ordered(rows: Iterable[Row]) -> list[Row]:
    """By their ids, each once; others have their turn meanwhile."""
    found = {row.row_id: row for row in hub.taking_turns(list(rows), SLICE)}
    return hub.sorted_in_turns(list(found.values()), attrgetter("row_id"), SLICE)


def _indexed(name: str, wanted: Query) -> list[str]:
    """What to look for in the index of an attribute, of `fixed_ips.ip_address` the addresses; [] when it cannot help:
    the model has no index of what is empty.
    """
    attribute, _, inner = name.partition(".")
    values = wanted.get(attribute, [])
    if inner:
        return [value for key, value in map(_pair, values) if key == inner]
    return [] if "" in values else values


# --- how values match -------------------------------------------------------------------------------------------------


def _equality(show: Show, values: Sequence[str]) -> Callable[[ResourceView, Any], bool]:
    """Raises Invalid for too many parts of texts: each is looked for in each text."""
    parts = sum(_pair(value)[0].endswith(SUBSTRING) for value in values)
    if parts > MOST_PARTS:
        raise Invalid(f"{parts} values of a filter end in {SUBSTRING}, more than {MOST_PARTS}.", BAD_REQUEST)
    wanted = frozenset(values)
    return lambda view, row: _matches(show(view, row), wanted)


def _matches(shown: object, values: frozenset[str]) -> bool:
    if isinstance(shown, str):
        return shown in values
    if isinstance(shown, bool):
        accepted = ("true", "1") if shown else ("false", "0")
        return any(value.lower() in accepted for value in values)
    if shown is None:
        return "" in values
    if isinstance(shown, list | tuple):
        return _list_matches(shown, values)
    return str(shown) in values


def _list_matches(shown: Sequence[object], values: frozenset[str]) -> bool:
    """A plain item by itself; of items that are dictionaries, each key that is asked for: `ip_address=192.0.2.1`."""
    if not any(isinstance(item, dict) for item in shown):
        return any(str(item) in values for item in shown)
    keys: dict[str, set[str]] = {}
    for name, value in map(_pair, values):
        keys.setdefault(name, set()).add(value)
    return all(any(_item_matches(item, name, wanted) for item in shown) for name, wanted in keys.items())


SUBSTRING = "_substr"
MOST_PARTS = 20  # of texts that one filter looks for


def _item_matches(item: object, name: str, wanted: set[str]) -> bool:
    held = cast("dict[str, Any]", item)
    if name.endswith(SUBSTRING):
        text = str(held.get(name.removesuffix(SUBSTRING), ""))
        return any(part in text for part in wanted)
    return name in held and str(held[name]) in wanted


def _pair(value: str) -> tuple[str, str]:
    """`ip_address=192.0.2.1`, or `:` for the `=`."""
    name, _, wanted = value.partition("=") if "=" in value else value.partition(":")
    return name, wanted


# --- tags and times ---------------------------------------------------------------------------------------------------


def _tags(values: Sequence[str]) -> set[str]:
    return {tag for value in values for tag in value.split(",")}


def _has_all(values: Sequence[str]) -> Callable[[ResourceView, Any], bool]:
    wanted = _tags(values)
    return lambda view, row: wanted <= set(row.tags)


def _has_any(values: Sequence[str]) -> Callable[[ResourceView, Any], bool]:
    wanted = _tags(values)
    return lambda view, row: not wanted.isdisjoint(row.tags)


def _unless(test: Filter) -> Filter:
    def inverted(values: Sequence[str]) -> Callable[[ResourceView, Any], bool]:
        holds = test(values)
        return lambda view, row: not holds(view, row)

    return inverted


TAGS: dict[str, Filter] = {
    "tags": _has_all,
    "tags-any": _has_any,
    "not-tags": _unless(_has_all),
    "not-tags-any": _unless(_has_any),
}


def _changed_since(values: Sequence[str]) -> Callable[[ResourceView, Any], bool]:
    since = max(map(_moment, values))
    return lambda view, row: max(row.updated_at, row.created_at) >= since


def _moment(value: str) -> str:
    """In the form of the rows' own times.  Raises Invalid."""
    try:
        moment = datetime.fromisoformat(value)
        utc = moment.astimezone(UTC) if moment.tzinfo else moment
    except (ValueError, OverflowError):  # the latter of a zone that leads out of the years 1 to 9999
        raise Invalid(
            "Invalid input for operation: The input changed_since must be in the following format: "
            "YYYY-MM-DDTHH:MM:SS[.mmmmmm][TIMEZONE] (e.g. 2015-08-12T12:15:00Z).",
            BAD_REQUEST,
        ) from None
    return utc.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _special(resource: Resource) -> Mapping[str, Filter]:
    """Filters that are not equalities of an attribute."""
    own = dict(resource.filters)
    if issubclass(resource.kind, Standard) and "created_at" in resource.shown:
        own["changed_since"] = _changed_since
    return own | TAGS if resource.tagged else own

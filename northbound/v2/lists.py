"""Order and pages of a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any
from urllib.parse import quote, urlencode

from webob import Request

from controller.model.rows import Row
from controller.runtime import hub
from controller.runtime.errors import Invalid, NotFound

from ..answer import SLICE
from ..resource import BAD_REQUEST, Resource, ResourceView, Show
from .filters import Selection

Query = Mapping[str, list[str]]
DIRECTIONS = ("asc", "desc")


def ordered(
    resource: Resource, view: ResourceView, rows: Sequence[Row], query: Query, hidden: Sequence[str] = ()
) -> list[Row]:
    """By each `sort_key` in its `sort_dir`, then by id (as the rows come).  Raises Invalid."""
    found = list(rows)
    for name, direction in reversed(_keys(resource, query, hidden)):
        try:
            key = partial(_shown_key, view, resource.shown[name])
            found = hub.sorted_in_turns(found, key, SLICE, reverse=direction == "desc")
        except TypeError:
            raise _unsortable(name) from None
    return found


def sorts(query: Query) -> bool:
    return "sort_key" in query or "sort_dir" in query


def _keys(resource: Resource, query: Query, hidden: Sequence[str]) -> list[tuple[str, str]]:
    names, directions = query.get("sort_key", []), query.get("sort_dir", [])
    for name in names:
        if name not in resource.shown or name in hidden:
            raise _unsortable(name)
    if directions and len(directions) != len(names):
        raise Invalid("The number of sort_keys and sort_dirs must be same.", BAD_REQUEST)
    for direction in directions:
        if direction not in DIRECTIONS:
            raise Invalid(f"{direction[:64]!r} is invalid value for sort_dirs: asc or desc.", BAD_REQUEST)
    # of a key that is there twice only the first counts, and nobody sorts a thousand times
    found = dict(reversed(list(zip(names, directions or [DIRECTIONS[0]] * len(names), strict=True))))
    return [(name, found[name]) for name in dict.fromkeys(names)]


def _shown_key(view: ResourceView, show: Show, row: Row) -> tuple[bool, Any]:
    return _key(show(view, row))


def _key(value: Any) -> tuple[bool, Any]:
    """What is not there comes first.  Raises TypeError for what has no order."""
    if isinstance(value, list | tuple | dict):
        raise TypeError
    return value is not None, value


def _unsortable(name: str) -> Invalid:
    return Invalid(f"{[name[:64]]} is invalid attribute for sort_keys.", BAD_REQUEST)


class Page:
    """`limit` objects after `marker` (before it with `page_reverse`); all of them without a limit."""

    def __init__(self, resource: Resource, query: Query) -> None:
        self.limit = _limit(query.get("limit", []))
        self.marker = query.get("marker", [""])[-1]
        self.reverse = _reverse(query.get("page_reverse", []))
        self._resource = resource
        self._query = query

    def first(self, found: Selection) -> list[Row]:
        """As `of`, of a list in the order of ids, without looking at what is beyond the page.  Raises NotFound."""
        if self.marker and not found.has(self.marker):
            raise self._no_marker()
        rows = list(islice(found.beyond(self.marker, self.reverse), self.limit))
        return rows[::-1] if self.reverse else rows

    def _no_marker(self) -> NotFound:
        return NotFound(
            f"{self._resource.name.capitalize()} {self.marker[:64]} could not be found: it is no marker.",
            self._resource.not_found,
        )

    def of(self, rows: list[Row]) -> list[Row]:
        """Raises NotFound for a marker that is not in the list: of a gone object, or one that the caller does not
        see.
        """
        start, end = 0, len(rows)
        if self.marker:
            place = next((place for place, row in enumerate(rows) if row.row_id == self.marker), None)
            if place is None:
                raise self._no_marker()
            start, end = (0, place) if self.reverse else (place + 1, end)
        if self.limit:
            start, end = (max(start, end - self.limit), end) if self.reverse else (start, min(end, start + self.limit))
        return rows[start:end]

    def links(self, request: Request, shown: Sequence[Row]) -> dict[str, list[dict[str, str]]]:
        """To the pages before and after; none where the list is known to end.

        From an empty page they lead to the end, or the beginning, of the list (as OpenStack's do).
        """
        if not self.limit:
            return {}
        links = []
        full = len(shown) >= self.limit
        if full or self.reverse:
            links.append({"rel": "next", "href": self._href(request, shown[-1].row_id if shown else "", False)})
        if full or not self.reverse:
            links.append({"rel": "previous", "href": self._href(request, shown[0].row_id if shown else "", True)})
        return {f"{self._resource.plural}_links": links} if links else {}

    def _href(self, request: Request, marker: str, reverse: bool) -> str:
        pairs = [(name, value) for name, values in self._query.items() for value in values
                 if name not in ("marker", "page_reverse")]  # fmt: skip
        pairs += [*([("marker", marker)] if marker else []), *([("page_reverse", "True")] if reverse else [])]
        return f"{request.host_url}{quote(request.path_info)}?{urlencode(pairs)}"


def _limit(values: Sequence[str]) -> int:
    """0 is none."""
    value = values[-1] if values else "0"
    if not (value.isascii() and value.isdecimal()) or len(value) > 9:
        raise Invalid(f"Limit must be an integer 0 or greater and not {value[:64]!r}.", BAD_REQUEST)
    return int(value)


def _reverse(values: Sequence[str]) -> bool:
    value = values[-1].lower() if values else "false"
    if value not in ("true", "false", "1", "0"):
        raise Invalid(f"page_reverse must be true or false and not {value[:64]!r}.", BAD_REQUEST)
    return value in ("true", "1")

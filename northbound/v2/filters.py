"""List queries: equality filters on every attribute, repeated for "or", and `fields`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from controller.errors import Invalid
from controller.model.kinds import Row
from controller.model.model import Model

from ..resource import Resource, View

NOT_FILTERS = ("fields",)


def select(resource: Resource, view: View, query: dict[str, list[str]]) -> Iterator[Row]:
    """Rows whose every filtered attribute shows one of the values asked for, in the order of their ids."""
    wanted = {name: set(values) for name, values in query.items() if name not in NOT_FILTERS}
    unknown = sorted(wanted.keys() - resource.by_name.keys())
    if unknown:
        raise Invalid(f"{[name[:64] for name in unknown]} is invalid attribute for filtering.", "HTTPBadRequest")
    filters = [(resource.by_name[name].show, values) for name, values in wanted.items()]
    for row in _candidates(resource, view.model, wanted):
        if all(_matches(show(view, row), values) for show, values in filters):
            yield row


def fields(resource: Resource, query: dict[str, list[str]]) -> list[str]:
    """The attributes to show, [] for all; names that do not exist are as good as not said, as in OpenStack."""
    asked = query.get("fields", [])
    return [name for name in resource.by_name if name in asked]


def _candidates(resource: Resource, model: Model, wanted: dict[str, set[str]]) -> list[Row]:
    """Few rows that hold all that match: by id, else by an index, else all."""
    if "id" in wanted:
        found = (model.get(resource.kind, row_id) for row_id in sorted(wanted["id"]))
        return [row for row in found if row is not None]
    for name, index in resource.index.items():
        if name in wanted:
            rows = {row.row_id: row for value in wanted[name] for row in model.find(resource.kind, index, value)}
            return [row for _, row in sorted(rows.items())]
    return [row for _, row in sorted(model.rows(resource.kind).items())]


def _matches(shown: object, values: set[str]) -> bool:
    if isinstance(shown, str):
        return shown in values
    if isinstance(shown, bool):
        accepted = ("true", "1") if shown else ("false", "0")
        return any(value.lower() in accepted for value in values)
    if shown is None:
        return "" in values
    if isinstance(shown, list | tuple):
        return any(_item_matches(item, value) for item in shown for value in values)
    return str(shown) in values


def _item_matches(item: object, value: str) -> bool:
    """`fixed_ips=ip_address=192.0.2.1` (or `:` for the second `=`); a list's plain item by itself."""
    if not isinstance(item, dict):
        return str(item) == value
    name, _, wanted = value.replace(":", "=", 1).partition("=") if "=" not in value else value.partition("=")
    return name in item and str(cast("dict[str, Any]", item)[name]) == wanted

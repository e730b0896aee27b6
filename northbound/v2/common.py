"""Attributes common to all resources."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from controller.intent.visibility import shared as shared_with
from controller.model.rows import Standard

from ..checks import Check, filled, optional_text, text, uuid
from ..resource import Attribute, May, ResourceView, attribute
from ..schema import BOOLEAN, SHOWN_TEXT, TEXTS, WHOLE, Schema, of
from ..structures import tags

UUID = of(uuid)


def revision_number(view: ResourceView, row: Standard) -> int:
    """The object's own: others' writes do not count."""
    return view.model.revision_of(row)


def _updated_at(view: ResourceView, row: Any) -> str:
    return str(row.updated_at or row.created_at)


OWNER = (
    attribute("project_id", filled, May.CREATE, shape=SHOWN_TEXT),
    attribute("tenant_id", filled, May.CREATE, source="project_id", shape=SHOWN_TEXT),
)
# What clients send with objects that are of no project, and with parts, which are of their parent's: never shown.
NO_OWNER = (
    Attribute("project_id", None, May.CREATE, filled),
    Attribute("tenant_id", None, May.CREATE, filled),
)
OWNER_OF_PARENT = (
    Attribute("project_id", None, May.CREATE, filled, "project_id"),
    Attribute("tenant_id", None, May.CREATE, filled, "project_id"),
)
IDENTITY = (attribute("id"), attribute("name", text, May.SET), *OWNER)
CREATED = (
    attribute("created_at"),
    Attribute("updated_at", _updated_at, shape=SHOWN_TEXT),
    Attribute("revision_number", revision_number, shape=WHOLE),
)
STANDARD = (attribute("description", optional_text, May.SET, shape=SHOWN_TEXT), *CREATED)


def tagged(may: May = May.NOTHING) -> Attribute:
    """`may`: whether they can be set as the object is made."""
    return Attribute("tags", lambda view, row: list(row.tags), may, tags, "tags", shape=TEXTS)


def shared(may: May, check: Check | None, object_id: Callable[[Any], str] = lambda row: str(row.id)) -> Attribute:
    """Whether others than its owner may use it: everybody, or the one who asks."""

    def show(view: ResourceView, row: Any) -> bool:
        return shared_with(view.model, object_id(row), view.caller.project_id)

    return Attribute("shared", show, may, check, "shared", shape=BOOLEAN, usual=False)


def listed(name: str, check: Check, may: May, source: str = "", usual: object = None) -> Attribute:
    """An attribute that is a list of plain values."""
    field = source or name
    return Attribute(name, lambda view, row: list(getattr(row, field)), may, check, field, shape=TEXTS, usual=usual)


def optional(
    name: str, check: Check | None = None, may: May = May.NOTHING, source: str = "", shape: Schema | None = None
) -> Attribute:
    """A text that is null where there is none."""
    field = source or name
    return Attribute(name, lambda view, row: getattr(row, field) or None, may, check, field, shape=shape)


OWNED = {"project_id": "project_id", "tenant_id": "project_id"}

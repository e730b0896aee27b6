"""Attributes that every resource has."""

from __future__ import annotations

from controller.model.kinds import Row

from ..checks import text
from ..resource import Attribute, May, View, attribute


def revision_number(view: View, row: Row) -> int:
    """Of the store, when the row was last written: it only grows."""
    return view.model.revisions.get(row.key, 0)


IDENTITY = (
    attribute("id"),
    attribute("name", text, May.SET),
    attribute("project_id", text, May.CREATE),
    attribute("tenant_id", text, May.CREATE, source="project_id"),
)
STANDARD = (
    attribute("created_at"),
    Attribute("revision_number", revision_number),
)

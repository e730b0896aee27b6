"""Dry run (`?dry_run=true`): a write goes as far as its rules, and is answered with what it would do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from webob import Request

from controller.model.rows import Row
from controller.store.transaction import Transaction

from .errors import bad_request

Changed = Sequence[tuple[Row | None, Row | None]]  # each row as it is, and as it would be; None: not there
WRITES = ("POST", "PUT", "DELETE")
_VALUES = {"true": True, "1": True, "false": False, "0": False}


class Foreseen(Exception):
    """The rules were run; `changes` is what they would have written."""

    def __init__(self, changes: Changed) -> None:
        super().__init__("dry run")
        self.changes = changes


def asked(request: Request) -> bool:
    """Whether this is a write that is not to be done.  Raises HttpError for a value that is no boolean."""
    text: str = request.environ.get("QUERY_STRING") or ""
    if "dry_run" not in text or request.method not in WRITES:
        return False
    values = [value.lower() for name, value in parse_qsl(text, keep_blank_values=True) if name == "dry_run"]
    if any(value not in _VALUES for value in values):
        raise bad_request("dry_run must be true or false.")
    return any(_VALUES[value] for value in values)


def foresee(tx: Transaction) -> Foreseen:
    return Foreseen([(before, after) for before, after in tx.changes() if before != after])


def told(changes: Changed) -> list[tuple[str, Row, Any]]:
    """("create", "update" or "delete", the row as it would be or last was, the same or None) of each."""
    found: list[tuple[str, Row, Any]] = []
    for before, after in changes:
        row = after or before
        if row is not None:
            found.append(("create" if before is None else "delete" if after is None else "update", row, after))
    return found

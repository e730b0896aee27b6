"""JSON Schema of each check (draft 2020-12, as OpenAPI 3.1 has it)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Schema = dict[str, Any]

# What is shown, which is less than what is taken: no bounds, no null where a value is always there.
SHOWN_TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer", "minimum": 0}
BOOLEAN: Schema = {"type": "boolean"}
TEXTS: Schema = {"type": "array", "items": SHOWN_TEXT}
OBJECT: Schema = {"type": "object"}
NULL: Schema = {"type": "null"}
F = TypeVar("F", bound=Callable[..., Any])
_TAKEN: dict[Callable[..., Any], Schema] = {}


def takes(schema: Schema) -> Callable[[F], F]:
    """Note beside a check what it takes; the check stays as it is."""

    def noted(check: F) -> F:
        _TAKEN[check] = schema
        return check

    return noted


def of(check: Callable[..., Any]) -> Schema:
    """What a check takes; {} (anything) of one that nothing was noted of."""
    return _TAKEN.get(check, {})


def or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]} if schema else {}


def either(*allowed: object) -> Schema:
    return {"enum": list(allowed)}


def array(items: Schema, most: int) -> Schema:
    return {"type": "array", "items": items, "maxItems": most}


def closed(properties: dict[str, Schema], *required: str) -> Schema:
    """A dictionary of these keys and no others."""
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def decimal(first: int, last: int) -> Schema:
    """The decimal text, without leading zeros, of a number from `first` (0 or 1) to `last`."""
    text = str(last)
    shorter = ["0"] * (first == 0 and last > 9) + ([f"[1-9][0-9]{{0,{len(text) - 2}}}"] if last > 9 else [])
    same = []
    for place, digit in enumerate(text):
        least = max(first if place == 0 else 0, int(place == 0 and last > 9))
        if int(digit) > least:
            same.append(f"{text[:place]}[{least}-{int(digit) - 1}][0-9]{{{len(text) - place - 1}}}")
    return {"type": "string", "pattern": f"^({'|'.join([*shorter, *same, text])})$"}

"""The largest bodies that an OpenAPI 3.1 description allows: arrays and strings as long as their schemas do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]
Trail = tuple[int, ...]  # where a value is: its indices in the arrays around it
Hints = Mapping[str, Callable[[Trail], Any]]

OPEN = 150  # entries of a dictionary that may have any, which makes some 3 KB
ANYTHING = 1_000  # characters of what has no schema, and of a text without a bound
WRITES = ("post", "put", "patch")
# Texts with a pattern of their own; what matches none of these has no value here.
SAMPLES = ("fa:16:3e:00:00:01", "198.51.100.0/24")


class NoValue(Exception):
    """A schema that no value is known of."""


@dataclass(frozen=True)
class WritingCall:
    method: str
    path: str
    body: Schema  # one form of it
    plural: str  # the array of a bulk, else ""

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}{' (bulk)' if self.plural else ''}"


def calls(document: Any) -> list[WritingCall]:
    """All that take a body, a bulk as a call of its own."""
    return [
        WritingCall(method, path, form, _plural(form))
        for path, methods in document["paths"].items()
        for method, call in methods.items()
        if method in WRITES and "requestBody" in call
        for content in call["requestBody"]["content"].values()
        for form in content["schema"].get("oneOf", [content["schema"]])
    ]


def _plural(form: Schema) -> str:
    """The one property of a form that is an array of objects; tags and prefixes are arrays of texts."""
    ((name, held),) = form["properties"].items() if len(form.get("properties", ())) == 1 else (("", {}),)
    return name if held.get("type") == "array" and "$ref" in held["items"] else ""


@dataclass(frozen=True)
class Taken:
    """What the rules take: required attributes and those with arrays or strings in them, without `left_out`; of the
    arrays in `most` no more items.
    """

    left_out: frozenset[str]
    most: Mapping[str, int]


class Maker:
    """Makes values of schemas.

    `share`, 0 to 1: how long arrays and strings are, of what they may be.  `objects`: how many a bulk has.  `hints`:
    values by the name of their attribute, of an array's items by "name[]".  Without `taken`, every attribute there is.
    """

    def __init__(
        self, schemas: Schema, hints: Hints, share: float, objects: int = 1, taken: Taken | None = None
    ) -> None:
        self._schemas = schemas
        self._hints = hints
        self._share = share
        self._objects = objects
        self._taken = taken
        self._make = {
            "object": self._object, "array": self._array, "string": self._string, "integer": self._integer,
            "boolean": lambda schema, name, trail: True,
        }  # fmt: skip

    def body(self, call: WritingCall) -> Any:
        """Raises NoValue."""
        if not call.plural:
            return self._value(call.body, "", ())
        items = call.body["properties"][call.plural]["items"]
        return {call.plural: [self._value(items, "", (number,)) for number in range(self._objects)]}

    def _value(self, schema: Schema, name: str, trail: Trail) -> Any:
        schema = self._chosen(schema)
        if name in self._hints:
            return self._hints[name](trail)
        if "enum" in schema or "const" in schema:
            return schema["enum"][0] if "enum" in schema else schema["const"]
        if "type" in schema:
            return self._make[schema["type"]](schema, name, trail)
        if schema:
            raise NoValue(f"{name}: {schema}")
        return "x" * self._long(ANYTHING)

    def _chosen(self, schema: Schema) -> Schema:
        """Of alternatives the first that is not null."""
        while "type" not in schema and ("$ref" in schema or "anyOf" in schema):
            if "$ref" in schema:
                schema = self._schemas[schema["$ref"].rpartition("/")[2]]
            else:
                schema = next(each for each in schema["anyOf"] if each.get("type") != "null")
        return schema

    def _object(self, schema: Schema, name: str, trail: Trail) -> dict[str, Any]:
        made = {
            each: self._value(held, each, trail)
            for each, held in schema.get("properties", {}).items()
            if each in schema.get("required", ()) or self._is_wanted(each, held)
        }
        if schema.get("additionalProperties") is not False:
            made |= {f"k{number:04}": number for number in range(self._long(OPEN))}
        return made

    def _is_wanted(self, name: str, schema: Schema) -> bool:
        if self._taken is None:
            return True
        return name not in self._taken.left_out and self._chosen(schema).get("type") in ("string", "array", "object")

    def _array(self, schema: Schema, name: str, trail: Trail) -> list[Any]:
        if "maxItems" not in schema:
            raise NoValue(f"{name}: an array without a bound: {schema}")
        most = min(schema["maxItems"], self._taken.most.get(name, 2**31) if self._taken else 2**31)
        count = max(schema.get("minItems", 0), self._long(most))
        return [self._value(schema["items"], f"{name}[]", (*trail, number)) for number in range(count)]

    def _string(self, schema: Schema, name: str, trail: Trail) -> str:
        number = _number(trail)
        formats = {each.get("format") for each in (schema, *schema.get("anyOf", ()))}
        if "uuid" in formats:
            return f"00000000-0000-4000-8000-{number:012x}"
        if "ipv4" in formats:
            return f"198.{18 + (number >> 16 & 1)}.{number >> 8 & 255}.{number & 255}"
        length = max(schema.get("minLength", 0), len(str(number)), self._long(schema.get("maxLength", ANYTHING)))
        pattern = schema.get("pattern", "")
        name_of = ".".join((f"x{number}", "x" * 61, "x" * 40))  # of a domain
        for each in (str(number).ljust(length, "x"), *SAMPLES, name_of, f"{name_of}."):
            if re.search(pattern, each):
                return each
        raise NoValue(f"{name}: a text like {pattern}")

    def _integer(self, schema: Schema, name: str, trail: Trail) -> int:
        if "maximum" not in schema:
            raise NoValue(f"{name}: a number without a bound: {schema}")
        return int(schema["maximum"])

    def _long(self, most: int) -> int:
        return max(1, int(most * self._share))


def _number(trail: Trail) -> int:
    """One for each place."""
    found = 0
    for each in trail:
        found = found * 512 + each
    return found


def values(made: Any) -> int:
    """How many values there are in it."""
    inside: Iterator[Any] = iter(made.values() if isinstance(made, dict) else made if isinstance(made, list) else ())
    return 1 + sum(map(values, inside))

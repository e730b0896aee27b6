"""Checks of single values of a body: each takes what JSON gave and returns the canonical value, or raises `Fault`.

JSON types are taken as they are: no "true" for true, no 1 for "1".
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import Any

from controller.intent import ranges
from controller.intent.ports import AddressRequest
from controller.model.rows import Pool

from . import schema

Check = Callable[[object], Any]

MAX_TEXT = 255
MAX_ITEMS = 64  # of a list within one object
SHOWN = 80  # characters of a bad value that an error message repeats

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_UUID = re.compile("[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_MAC = re.compile("(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")


class Fault(ValueError):
    """What is wrong with a value, as the end of a sentence that begins with the attribute's name.

    `kind`: the error type for clients where upstream has one of its own for this fault, else "".
    """

    def __init__(self, said: str, kind: str = "") -> None:
        super().__init__(said)
        self.kind = kind


def shown(value: object) -> str:
    """A value as an error message repeats it: short, and harmless in a log."""
    printed = repr(value) if isinstance(value, str | bool | int | float | None) else f"a {_json_type(value)}"
    return printed if len(printed) <= SHOWN else f"{printed[:SHOWN]}..."


def _json_type(value: object) -> str:
    return "list" if isinstance(value, list) else "dictionary"


TEXT = {"type": "string", "maxLength": MAX_TEXT, "pattern": r"^[^\x00-\x1f\x7f]*$"}


@schema.takes(TEXT)
def text(value: object) -> str:
    if not isinstance(value, str):
        raise Fault(f"{shown(value)} is not a valid string")
    if len(value) > MAX_TEXT:
        raise Fault(f"'{value[:SHOWN]}...' exceeds maximum length of {MAX_TEXT}")
    if _UNPRINTABLE.search(value):
        raise Fault(f"{shown(value)} contains control characters")
    return value


@schema.takes({**TEXT, "minLength": 1})
def filled(value: object) -> str:
    if not text(value):
        raise Fault("'' is not allowed: it must not be empty")
    return text(value)


def is_project(value: str) -> bool:
    """Whether a text can be the id of a project."""
    try:
        return bool(filled(value))
    except Fault:
        return False


@schema.takes(schema.or_null(TEXT))
def optional_text(value: object) -> str:
    return "" if value is None else text(value)


@schema.takes({"type": "boolean"})
def boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise Fault(f"{shown(value)} is not a valid boolean value")
    return value


def integer(first: int, last: int) -> Check:
    @schema.takes({"type": "integer", "minimum": first, "maximum": last})
    def check(value: object) -> int:
        if isinstance(value, float) and value.is_integer():  # an integer to JSON Schema (2020-12, 6.1.1), too
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise Fault(f"{shown(value)} is not an integer")
        if not first <= value <= last:
            raise Fault(f"{shown(value)} is not between {first} and {last}")
        return value

    return check


def one_of(*allowed: object) -> Check:
    @schema.takes(schema.either(*allowed))
    def check(value: object) -> object:
        # False == 0 and True == 1 in Python, but not in JSON
        if not any(value == each and type(value) is type(each) for each in allowed):
            raise Fault(f"{shown(value)} is not one of {', '.join(repr(each) for each in allowed)}")
        return value

    return check


@schema.takes({"type": "string", "format": "uuid"})
def uuid(value: object) -> str:
    if not isinstance(value, str) or not _UUID.fullmatch(value.lower()):
        raise Fault(f"{shown(value)} is not a valid UUID")
    return value.lower()


@schema.takes({"type": "string", "pattern": "^[0-9A-Fa-f][02468ACEace]([:-][0-9A-Fa-f]{2}){5}$"})
def mac(value: object) -> str:
    """A unicast MAC address, colons or dashes between its bytes."""
    if not isinstance(value, str) or not _MAC.fullmatch(canonical := value.lower().replace("-", ":")):
        raise Fault(f"{shown(value)} is not a valid MAC address")
    if int(canonical[:2], 16) & 1:
        raise Fault(f"{shown(value)} is a multicast MAC address")
    if canonical == "00:00:00:00:00:00":
        raise Fault(f"{shown(value)} is not a MAC address that an interface can have")
    return canonical


ADDRESS = {"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]}
_CIDR_V4, _CIDR_V6 = r"[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}", "[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*/[0-9]{1,3}"
CIDR = {"type": "string", "pattern": f"^({_CIDR_V4}|{_CIDR_V6})$"}


@schema.takes(ADDRESS)
def address(value: object) -> str:
    if not isinstance(value, str):
        raise Fault(f"{shown(value)} is not a valid IP address")
    try:
        return ranges.canonical(value)
    except ValueError:
        raise Fault(f"{shown(value)} is not a valid IP address") from None


@schema.takes(schema.or_null(ADDRESS))
def optional_address(value: object) -> str:
    return "" if value is None else address(value)


@schema.takes(CIDR)
def cidr(value: object) -> str:
    """A subnet with its prefix length and without host bits."""
    if not isinstance(value, str) or "/" not in value:
        raise Fault(f"{shown(value)} is not a valid IP subnet")
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise Fault(f"{shown(value)} is not a valid IP subnet") from None
    start, _, length = value.partition("/")
    if address(start) != ranges.canonical(str(network.network_address)) or not length.isdecimal():
        raise Fault(f"{shown(value)} isn't a recognized IP subnet cidr, '{network}' is recommended")
    return f"{ranges.canonical(start)}/{network.prefixlen}"


def items(value: object) -> Iterable[tuple[int, dict[str, object]]]:
    """A list of dictionaries, each with its place."""
    if not isinstance(value, list):
        raise Fault(f"{shown(value)} is not a list")
    if len(value) > MAX_ITEMS:
        raise Fault(f"has {len(value)} items, more than {MAX_ITEMS}")
    for place, item in enumerate(value):
        if not isinstance(item, dict):
            raise Fault(f"item {place}: {shown(item)} is not a dictionary")
        yield place, item


def keys(item: dict[str, object], allowed: Iterable[str], place: int) -> None:
    unknown = item.keys() - set(allowed)
    if unknown:
        raise Fault(f"item {place}: unknown key {shown(min(unknown))}")


@schema.takes(schema.array(schema.closed({"start": ADDRESS, "end": ADDRESS}, "start", "end"), MAX_ITEMS))
def pools(value: object) -> tuple[Pool, ...]:
    """[{"start": address, "end": address}]"""
    found = []
    for place, item in items(value):
        keys(item, ("start", "end"), place)
        if len(item) < 2:
            raise Fault(f"item {place}: must have a start and an end")
        found.append(Pool(address(item["start"]), address(item["end"])))
    return tuple(found)


@schema.takes(
    schema.array(
        {**schema.closed({"subnet_id": schema.of(uuid), "ip_address": ADDRESS}), "minProperties": 1}, MAX_ITEMS
    )
)
def fixed_ips(value: object) -> tuple[AddressRequest, ...]:
    """[{"subnet_id": id, "ip_address": address}], one of the two at least in each."""
    found: list[AddressRequest] = []
    for place, item in items(value):
        keys(item, ("subnet_id", "ip_address"), place)
        if not item:
            raise Fault(f"item {place}: must have a subnet_id or an ip_address")
        request = AddressRequest(
            uuid(item["subnet_id"]) if "subnet_id" in item else "",
            address(item["ip_address"]) if "ip_address" in item else "",
        )
        if request.ip_address and any(request.ip_address == other.ip_address for other in found):
            raise Fault(f"Duplicate IP address '{request.ip_address}'")
        found.append(request)
    return tuple(found)

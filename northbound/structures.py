"""Checks of values with parts: lists, address pairs, routes, options, profiles.  Each raises `Fault` as in `checks`."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from controller.intent import ranges
from controller.intent.address_groups import MOST_ADDED
from controller.intent.pools import MOST_PREFIXES
from controller.intent.standard import MOST_TAGS
from controller.model.rows import AddressPair, HostRoute

from . import schema
from .checks import (
    ADDRESS,
    CIDR,
    MAX_ITEMS,
    TEXT,
    Check,
    Fault,
    address,
    cidr,
    filled,
    integer,
    items,
    keys,
    mac,
    shown,
    text,
    uuid,
)

T = TypeVar("T")
MAX_TAG = 255
DECIMAL = re.compile("0|[1-9][0-9]*")
MAX_PROFILE = 4095  # bytes of JSON, as in OpenStack's own server


def list_of(check: Callable[[object], T], most: int = MAX_ITEMS) -> Callable[[object], tuple[T, ...]]:
    """A list without repetitions; null is an empty one."""

    @schema.takes(schema.or_null(schema.array(schema.of(check), most) | {"uniqueItems": True}))
    def checked(value: object) -> tuple[T, ...]:
        if value is None:
            return ()
        if not isinstance(value, list):
            raise Fault(f"{shown(value)} is not a list")
        if len(value) > most:
            raise Fault(f"has {len(value)} items, more than {most}")
        found = [check(item) for item in value]
        if len(set(found)) < len(found):
            raise Fault("Duplicate items in the list")
        return tuple(found)

    return checked


def nullable(check: Callable[[object], T], instead: T) -> Callable[[object], T]:
    """null stands for `instead`."""
    return schema.takes(schema.or_null(schema.of(check)))(lambda value: instead if value is None else check(value))


def number(first: int, last: int) -> Check:
    """An integer; as OpenStack's server, its decimal text too (which is how that shows prefix lengths)."""
    check = integer(first, last)
    text = schema.decimal(max(first, 0), last)

    @schema.takes({"anyOf": [schema.of(check), text]})
    def checked(value: object) -> int:
        if isinstance(value, str) and len(value) < 12 and DECIMAL.fullmatch(value):
            value = int(value)
        return int(check(value))

    return checked


@schema.takes({**TEXT, "minLength": 1, "pattern": r"^[^,\x00-\x1f\x7f]+$"})
def tag(value: object) -> str:
    """Not empty, and without the comma that separates tags in a query."""
    if "," in filled(value):
        raise Fault(f"{shown(value)} contains a comma")
    return filled(value)


tags = list_of(tag, MOST_TAGS)
addresses = list_of(address)


@schema.takes(CIDR)
def prefix(value: object) -> str:
    """A subnet with its prefix length.  Host bits are not kept, as in OpenStack's own server."""
    start, _, length = value.partition("/") if isinstance(value, str) else ("", "", "")
    if not length.isdecimal():
        return cidr(value)  # which says what is wrong
    try:
        return cidr(str(ipaddress.ip_network(f"{address(start)}/{length}", strict=False)))
    except ValueError:
        raise Fault(f"{shown(value)} is not a valid IP subnet") from None


prefixes = list_of(prefix, MOST_PREFIXES)
_SUBNETS = schema.array(CIDR, MOST_ADDED)
_MEMBERS = schema.array({"anyOf": [ADDRESS, CIDR]}, MOST_ADDED)


@schema.takes(schema.or_null(_SUBNETS | {"uniqueItems": True}))
def group_prefixes(value: object) -> tuple[str, ...]:
    """Addresses of a new address group: subnets, canonical and each once; null for none.  No text may be repeated."""
    found = () if value is None else _each(prefix, value)
    if isinstance(value, list) and len(set(value)) < len(value):
        raise Fault("Duplicate items in the list")
    return tuple(dict.fromkeys(found))


@schema.takes(_MEMBERS)
def member_prefixes(value: object) -> tuple[str, ...]:
    """Addresses to add to an address group or to remove from it: subnets or single addresses, as canonical prefixes."""
    return tuple(dict.fromkeys(_each(_member_prefix, value)))


def _member_prefix(value: object) -> str:
    if not isinstance(value, str) or "/" in value:
        return prefix(value)
    single = address(value)
    return f"{single}/{128 if ':' in single else 32}"


def _each(check: Callable[[object], T], value: object) -> tuple[T, ...]:
    if not isinstance(value, list):
        raise Fault(f"{shown(value)} is not a list")
    if len(value) > MOST_ADDED:
        raise Fault(f"has {len(value)} items, more than {MOST_ADDED}")
    return tuple(check(item) for item in value)


_PAIR = schema.closed(
    {"ip_address": {"anyOf": [ADDRESS, CIDR]}, "mac_address": schema.or_null(schema.of(mac))}, "ip_address"
)


@schema.takes(schema.or_null(schema.array(_PAIR, MAX_ITEMS)))
def pairs(value: object) -> tuple[AddressPair, ...]:
    """[{"ip_address": address or subnet, "mac_address": MAC, else the port's own}]"""
    if value is None:
        return ()
    found = []
    for place, item in items(value):
        keys(item, ("ip_address", "mac_address"), place)
        if "ip_address" not in item:
            raise Fault(f"item {place}: must have an ip_address")
        own = item.get("mac_address")
        found.append(AddressPair(address_or_cidr(item["ip_address"]), "" if own is None else mac(own)))
    return tuple(found)


def address_or_cidr(value: object) -> str:
    """Canonical, without a prefix length where that is of one address.  Host bits are not kept."""
    if not isinstance(value, str) or "/" not in value:
        return address(value)
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise Fault(f"{shown(value)} is not a valid IP subnet") from None
    start = ranges.canonical(str(network.network_address))
    if network.prefixlen == 0:
        raise Fault(f"{shown(value)} would allow every address: use port_security_enabled for that")
    return start if network.prefixlen == network.max_prefixlen else f"{start}/{network.prefixlen}"


_ROUTE = schema.closed({"destination": CIDR, "nexthop": ADDRESS}, "destination", "nexthop")


@schema.takes(schema.or_null(schema.array(_ROUTE, MAX_ITEMS)))
def routes(value: object) -> tuple[HostRoute, ...]:
    """[{"destination": subnet, "nexthop": address}]"""
    if value is None:
        return ()
    found = []
    for place, item in items(value):
        keys(item, ("destination", "nexthop"), place)
        if len(item) < 2:
            raise Fault(f"item {place}: must have a destination and a nexthop")
        found.append(HostRoute(cidr(item["destination"]), address(item["nexthop"])))
    if len(set(found)) < len(found):
        raise Fault("Duplicate hostroute")
    return tuple(found)


_VERSION = number(4, 6)


@schema.takes(schema.either(4, 6, "4", "6"))
def ip_version(value: object) -> int:
    version = int(_VERSION(value))
    if version == 5:
        raise Fault("ip_version is 4 or 6")
    return version


security_groups = nullable(list_of(uuid), None)


BLANK_OPTIONS = ("router", "classless-static-route")  # an empty value of these: not to be told, as upstream has it


def _option(name: schema.Schema, value: schema.Schema) -> schema.Schema:
    said = {"opt_name": name, "opt_value": schema.or_null(value), "ip_version": schema.of(ip_version)}
    return schema.closed(said, "opt_name", "opt_value")


_OPTION = {
    "anyOf": [
        _option(schema.of(filled), schema.of(filled)),
        _option(schema.either(*BLANK_OPTIONS), schema.of(text)),
    ]
}


@schema.takes(schema.or_null(schema.array(_OPTION, MAX_ITEMS)))
def dhcp_options(value: object) -> tuple[tuple[str, str | None, int], ...]:
    """[{"opt_name", "opt_value": text or null, "ip_version": 4 or 6}]; null takes an option away."""
    if value is None:
        return ()
    found: dict[tuple[str, int], tuple[str, str | None, int]] = {}
    for place, item in items(value):
        keys(item, ("opt_name", "opt_value", "ip_version"), place)
        if "opt_name" not in item or "opt_value" not in item:
            raise Fault(f"item {place}: must have an opt_name and an opt_value")
        name, version = filled(item["opt_name"]), ip_version(item.get("ip_version", 4))
        wanted = item["opt_value"]
        if (name, version) in found:
            raise Fault(f"Duplicate DHCP option {shown(name)}")
        check = text if name in BLANK_OPTIONS else filled
        found[name, version] = (name, None if wanted is None else check(wanted), version)
    return tuple(found.values())


@schema.takes(schema.or_null({"type": "object", "properties": {"interface": schema.of(filled)}}))
def profile(value: object) -> dict[str, str]:
    """binding:profile, any dictionary: `interface` for itself, the rest as JSON text."""
    if value is None:
        return {"interface_id": "", "profile": ""}
    if not isinstance(value, dict):
        raise Fault(f"{shown(value)} is not a dictionary")
    rest: dict[str, Any] = {name: held for name, held in value.items() if name != "interface"}
    encoded = msgspec.json.encode(rest).decode() if rest else ""
    if len(encoded) > MAX_PROFILE:
        raise Fault(f"has more than {MAX_PROFILE} bytes")
    return {"interface_id": filled(value["interface"]) if "interface" in value else "", "profile": encoded}


def limits(names: list[str]) -> Callable[[object], dict[str, int]]:
    """{resource: number}, -1 for no limit."""
    check = number(-1, 2**31 - 1)
    value_of = {"anyOf": [schema.of(check), {"const": "-1"}]}

    @schema.takes(schema.closed(dict.fromkeys(names, value_of)))
    def checked(value: object) -> dict[str, int]:
        if not isinstance(value, dict):
            raise Fault(f"{shown(value)} is not a dictionary")
        found = {}
        for name, wanted in value.items():
            if name not in names:
                raise Fault(f"unknown resource {shown(name)}")
            found[name] = check(-1 if wanted in (-1, "-1") else wanted)
        return found

    return checked

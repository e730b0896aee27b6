"""Checks of the values of security group rules.  Each raises `Fault` of the type that upstream uses."""

from __future__ import annotations

import ipaddress

from controller.intent import ranges
from controller.intent.security_rules import LAST_PORT
from controller.model.protocols import NUMBERS
from controller.runtime.errors import NotFound

from . import schema
from .checks import Fault, shown, uuid
from .structures import DECIMAL

ANY = "any"
LAST_PROTOCOL = 255  # 8 bits (RFC 791, 3.1; RFC 8200, 3)
ETHERTYPES = {"ipv4": "IPv4", "ipv6": "IPv6"}

_PROTOCOL_NUMBER = {"type": "integer", "minimum": 0, "maximum": LAST_PROTOCOL}
# in any case, which a pattern says for each letter: regular expressions of JSON Schema have no flags
_NAMES = "|".join(
    "".join(f"[{letter}{letter.upper()}]" if letter.isalpha() else letter for letter in name)
    for name in sorted((ANY, *NUMBERS))
)


@schema.takes(
    {
        "anyOf": [
            schema.NULL,
            _PROTOCOL_NUMBER,
            schema.decimal(0, LAST_PROTOCOL),
            {"type": "string", "pattern": f"^({_NAMES})$"},
        ],
    }
)
def protocol(value: object) -> str:
    """A name, or a number in decimal; "" for null and `any`."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str):
        name = value.lower()
        if name == ANY:
            return ""
        if name in NUMBERS:
            return name
        if len(name) <= 3 and DECIMAL.fullmatch(name) and int(name) <= LAST_PROTOCOL:
            return name
    raise Fault(
        f"{shown(value)} is not supported: only {', '.join((ANY, *NUMBERS))} and numbers from 0 to {LAST_PROTOCOL}",
        "SecurityGroupRuleInvalidProtocol",
    )


@schema.takes({"type": "string", "pattern": "^[iI][pP][vV][46]$"})
def ethertype(value: object) -> str:
    if isinstance(value, str) and value.lower() in ETHERTYPES:
        return ETHERTYPES[value.lower()]
    raise Fault(
        f"{shown(value)} is not supported: only {', '.join(ETHERTYPES.values())}",
        "SecurityGroupRuleInvalidEtherType",
    )


@schema.takes({
    "anyOf": [
        schema.NULL, {"type": "integer", "minimum": 0, "maximum": LAST_PORT}, schema.decimal(0, LAST_PORT),
    ],
})  # fmt: skip
def port(value: object) -> int | None:
    """A port, or a type or code of ICMP; also as decimal text, as upstream takes it."""
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and len(value) <= 5 and DECIMAL.fullmatch(value):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LAST_PORT:
        return value
    raise Fault(f"Invalid value for port {shown(value)}", "SecurityGroupInvalidPortValue")


_V4, _V6 = r"[0-9]{1,3}(\.[0-9]{1,3}){3}(/[0-9]{1,2})?", "[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(/[0-9]{1,3})?"


@schema.takes(schema.or_null({"type": "string", "pattern": f"^({_V4}|{_V6}|)$"}))
def ip_prefix(value: object) -> str:
    """An address with a prefix length, by default that of one address.  Host bits are kept; null and "" are none."""
    if value is None or value == "":
        return ""
    try:
        if not isinstance(value, str) or "%" in value:
            raise ValueError
        found = ipaddress.ip_interface(value)
        return f"{ranges.canonical(str(found.ip))}/{found.network.prefixlen}"
    except ValueError:
        raise Fault(f"{shown(value)} is not a valid IP prefix", "InvalidCIDR") from None


@schema.takes(schema.or_null(schema.of(uuid)))
def remote_group(value: object) -> str:
    """A group's id, "" for null.  As upstream has it, a text that is none is of a group that is not found."""
    if value is None:
        return ""
    try:
        return uuid(value)
    except Fault:
        if not isinstance(value, str):
            raise
        raise NotFound(
            f"Security group {shown(value)} does not exist (remote_group_id).", "SecurityGroupNotFound"
        ) from None

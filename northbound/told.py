"""Check of `tenet:metadata`: what a port's instance is told of itself."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from controller.services.instance import ToldMetadata

from . import schema
from .checks import Fault, shown

MOST_KEYS, MOST_PAIRS = 64, 128
MOST_BYTES = 49_152  # of all of it, as JSON; of a port together there are 65,536 (controller/intent/sizes.py)
_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}


@schema.takes(schema.or_null(schema.closed({
    "hostname": {"type": "string"}, "public_keys": _TEXTS, "user_data": {"type": "string"},
    "user_data_base64": {"type": "string"}, "meta": _TEXTS, "vendor_data": schema.OBJECT,
})))  # fmt: skip
def told(value: object) -> str:
    """Its JSON text; "" for nothing."""
    if value is None or value == {}:
        return ""
    if not isinstance(value, dict):
        raise Fault(f"{shown(value)} is not a dictionary")
    try:
        found = msgspec.convert(value, ToldMetadata)
    except msgspec.ValidationError as error:
        raise Fault(str(error)) from None
    _check(found)
    encoded = msgspec.json.encode(found)
    if len(encoded) > MOST_BYTES:
        raise Fault(f"has more than {MOST_BYTES} bytes")
    return encoded.decode()


def _check(found: ToldMetadata) -> None:
    if found.user_data and found.user_data_base64:
        raise Fault("has both user_data and user_data_base64")
    try:
        base64.b64decode(found.user_data_base64, validate=True)
    except (binascii.Error, ValueError):
        raise Fault("user_data_base64 is not Base64") from None
    if len(found.public_keys) > MOST_KEYS or len(found.meta) > MOST_PAIRS:
        raise Fault(f"has more than {MOST_KEYS} public_keys or {MOST_PAIRS} pairs of meta")
    _line(found.hostname, "hostname")
    for name, text in (*found.public_keys.items(), *found.meta.items()):
        _line(name, "a name")
        if "/" in name or "=" in name or not name:
            raise Fault(f"{shown(name)} cannot be a name")
        if text in found.public_keys.values():
            _line(text, "a public key")


def _line(text: str, what: str) -> None:
    if not text.isprintable():
        raise Fault(f"{what} has control characters: {shown(text)}")


def decoded(text: str) -> dict[str, Any]:
    """As the API shows it."""
    found: dict[str, Any] = msgspec.json.decode(text) if text else {}
    return found

"""Values of fields as text, in the forms of ovs-ofctl."""

from __future__ import annotations

import re
from collections.abc import Callable
from socket import AF_INET6, inet_aton, inet_ntoa, inet_ntop, inet_pton

# bit number: name
CT_STATE = ("new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat")
TCP_FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns")
_FLAGS = {"ct_state": CT_STATE, "tcp_flags": TCP_FLAGS}
_FRAGMENTS = {"no": (0, 3), "first": (1, 3), "later": (3, 3), "yes": (1, 1), "not_later": (0, 2)}
_FRAGMENT_NAMES = {value: name for name, value in _FRAGMENTS.items()}
_SIGNED = re.compile(r"([+-])(\w+)")


def _decimal(value: bytes) -> str:
    return str(int.from_bytes(value, "big"))


def _hex(value: bytes) -> str:
    return f"{number:#x}" if (number := int.from_bytes(value, "big")) else "0"


def _flags(names: tuple[str, ...], value: bytes) -> str:
    number = int.from_bytes(value, "big")
    return "|".join(name for bit, name in enumerate(names) if number >> bit & 1) or "0"


_EXACT: dict[str, Callable[[bytes], str]] = {
    "decimal": _decimal,
    "port": _decimal,
    "dscp": lambda value: str(value[0] << 2),
    "hex": _hex,
    "hex4": lambda value: f"0x{value.hex()}",
    "hex5": lambda value: f"0x{value.hex()[-5:]}",
    "vlan": _hex,
    "mac": lambda value: value.hex(":"),
    "ipv4": inet_ntoa,
    "ipv6": lambda value: inet_ntop(AF_INET6, value),
    "fragment": lambda value: _FRAGMENT_NAMES[value[0], 3],
    "ct_state": lambda value: _flags(CT_STATE, value),
    "tcp_flags": lambda value: _flags(TCP_FLAGS, value),
}


def text(form: str, value: bytes) -> str:
    """A whole value."""
    return _EXACT[form](value)


def masked_text(form: str, value: bytes, mask: bytes) -> str:
    """A value under a mask."""
    if form in _FLAGS:
        number, counted = int.from_bytes(value, "big"), int.from_bytes(mask, "big")
        return "".join(
            f"{'+' if number >> bit & 1 else '-'}{name}" for bit, name in enumerate(_FLAGS[form]) if counted >> bit & 1
        )
    if form == "fragment":
        return _FRAGMENT_NAMES[value[0], mask[0]]
    if form in ("ipv4", "ipv6"):
        length = prefix(mask)
        return f"{text(form, value)}/{text(form, mask) if length is None else length}"
    if form in ("mac", "hex5"):
        return f"{text(form, value)}/{text(form, mask)}"
    if form == "port":  # also of 0
        return f"0x{int.from_bytes(value, 'big'):x}/{_hex(mask)}"
    return f"{_hex(value)}/{_hex(mask)}"


def prefix(mask: bytes) -> int | None:
    """The length of a mask that is a prefix of ones."""
    bits = 8 * len(mask)
    zeros = (1 << bits) - int.from_bytes(mask, "big")
    return None if zeros & (zeros - 1) else bits - zeros.bit_length() + 1


def is_plain(form: str) -> bool:
    """Whether a value's text says nothing of a mask."""
    return form != "fragment" and form not in _FLAGS


def parse(value: str, size: int) -> bytes:
    """An address, a MAC or an IPv6 one, in its usual text form, in network order.  Raises OSError for another."""
    if size == 6 and len(value) == 17:
        return bytes.fromhex(value.replace(":", ""))
    if "." in value and ":" not in value:
        return inet_aton(value)
    return inet_pton(AF_INET6, value)


def parse_bits(form: str, value: str) -> tuple[int, int] | None:
    """Value and mask of `+trk-new`, or of a fragment's name; None for another text.  Raises ValueError for no flag."""
    if form == "fragment":
        return _FRAGMENTS[value]
    if form not in _FLAGS:
        return None
    parts = _SIGNED.findall(value)
    if not parts or "".join(sign + name for sign, name in parts) != value:
        raise ValueError(f"{value} is not of the form +flag-flag")
    bits = [(sign, 1 << _FLAGS[form].index(name)) for sign, name in parts]
    return sum(bit for sign, bit in bits if sign == "+"), sum(bit for _, bit in bits)

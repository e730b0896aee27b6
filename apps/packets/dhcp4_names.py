"""DHCP options by name or number, with values as text: what `extra_dhcp_opts` of a port may say (RFC 2132).

The names are dnsmasq's, which OpenStack's clients use, and those that OVN knows beside them.  `option:mtu`, `mtu` and
`26` are the same option.  Conditions go before: `tag:ipxe,67`, `tag:!ipxe,tag:efi,bootfile-name`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from ipaddress import IPv4Address, IPv4Network
from typing import NamedTuple

from .dhcp4 import (
    BOOT_FILE,
    CLIENT,
    KIND,
    MESSAGE,
    MICROSOFT_ROUTES,
    MOST,
    OVERLOAD,
    PARAMETERS,
    RELAY,
    REQUESTED,
    ROUTES,
    SEARCH,
    SERVER,
    TFTP,
    TFTP_ADDRESS,
    routes,
)
from .domain_names import encoded

NEXT_SERVER = 255  # not an option on the wire: the field siaddr
INFINITE = 0xFFFFFFFF
_OURS = {0, REQUESTED, OVERLOAD, KIND, SERVER, PARAMETERS, MESSAGE, MOST, CLIENT, RELAY}  # of the protocol itself
_SIP = 120
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_NUMBER = re.compile("[0-9]{1,10}|0x[0-9a-fA-F]{1,8}")
_TIME = re.compile("([0-9]{1,10})([smhdw]?)", re.IGNORECASE)
_HEX = re.compile("[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2})+")
_DOTTED = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}([,\s]+[0-9]{1,3}(\.[0-9]{1,3}){3})*")


class ExtraOption(NamedTuple):
    """One option of a port: told to clients of which all `tags` are so; `value` None: not to be told at all."""

    tags: tuple[str, ...]
    code: int
    value: bytes | None

    def holds(self, told: Collection[str]) -> bool:
        """Whether a client with the tags `told` gets it; `!tag` is for those without."""
        return all(tag[1:] not in told if tag[:1] == "!" else tag in told for tag in self.tags)


def parse(name: str, value: str) -> ExtraOption:
    """An option from its name and value as text.  Raises ValueError: no such option, or not a value of it."""
    *conditions, last = name.split(",")
    if not all(each.startswith("tag:") and len(each.removeprefix("tag:!").removeprefix("tag:")) for each in conditions):
        raise ValueError(f"{name!r}: before the option there may be conditions only: tag:NAME or tag:!NAME")
    code = _code(last.strip().removeprefix("option:"))
    text = value.strip().removeprefix("{").removesuffix("}").strip()
    tags = tuple(each.removeprefix("tag:").strip() for each in conditions)
    if not text:
        return ExtraOption(tags, code, None)
    form = _FORMS.get(code, _guessed)
    encoded = form(text)
    if not encoded:
        raise ValueError(f"{value!r} is no value of option {name}")
    return ExtraOption(tags, code, encoded)


def _code(name: str) -> int:
    code = int(name) if name.isascii() and name.isdecimal() and len(name) < 4 else _CODES.get(name.lower())
    if code is None:
        raise ValueError(f"there is no DHCP option {name!r}")
    if code in _OURS or code > NEXT_SERVER:
        raise ValueError(f"DHCP option {name!r} is not one to set")
    return code


# --- forms of values --------------------------------------------------------------------------------------------------

Form = Callable[[str], bytes]


def _items(text: str) -> list[str]:
    return [each for each in re.split(r"[,\s]+", text) if each]


def _addresses(text: str) -> bytes:
    return b"".join([IPv4Address(each).packed for each in _items(text)])


def _address_pairs(text: str) -> bytes:
    found = _addresses(text)
    if len(found) % 8:
        raise ValueError(f"{text!r} is not pairs of addresses")
    return found


def _text(text: str) -> bytes:
    return (text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text).encode()


def _number(size: int) -> Form:
    def form(text: str) -> bytes:
        if not _NUMBER.fullmatch(text):
            raise ValueError(f"{text!r} is not a number")
        number = int(text, 16 if text.startswith("0x") else 10)
        if number >= 1 << 8 * size:
            raise ValueError(f"{text} is more than {size} bytes hold")
        return number.to_bytes(size, "big")

    return form


def _seconds(text: str) -> bytes:
    found = _TIME.fullmatch(text)
    if text.lower() == "infinite":
        return INFINITE.to_bytes(4, "big")
    if not found:
        raise ValueError(f"{text!r} is not a time")
    return min(int(found[1]) * _UNITS[found[2].lower()], INFINITE).to_bytes(4, "big")


def _routes(text: str) -> bytes:
    """PREFIX,NEXT HOP,PREFIX,NEXT HOP,..."""
    items = _items(text)
    if len(items) % 2:
        raise ValueError(f"{text!r} is not pairs of a prefix and a next hop")
    prefixes = [IPv4Network(each, strict=False) for each in items[::2]]
    hops = [IPv4Address(each).packed for each in items[1::2]]
    return routes([(to.network_address.packed, to.prefixlen, hop) for to, hop in zip(prefixes, hops, strict=True)])


def _domains(text: str) -> bytes:
    """RFC 3397, not compressed."""
    return b"".join([encoded(each) for each in _items(_text(text).decode())])


def _sip(text: str) -> bytes:
    """RFC 3361: names, or addresses."""
    return b"\1" + _addresses(text) if _DOTTED.fullmatch(text) else b"\0" + _domains(text)


def _guessed(text: str) -> bytes:
    """Of an option whose form is not known: addresses, bytes as 01:02:ff, a number, else text, as dnsmasq has it."""
    if _DOTTED.fullmatch(text):
        return _addresses(text)
    if _HEX.fullmatch(text):
        return bytes([int(each, 16) for each in text.split(":")])
    if _NUMBER.fullmatch(text) and int(text, 0 if text.startswith("0x") else 10) < 1 << 32:
        number = int(text, 16 if text.startswith("0x") else 10)
        return number.to_bytes(1 if number < 1 << 8 else 2 if number < 1 << 16 else 4, "big")
    return _text(text)


_ADDRESSES = {
    "netmask": 1, "router": 3, "time-server": 4, "dns-server": 6, "log-server": 7, "lpr-server": 9, "swap-server": 16,
    "broadcast": 28, "router-solicitation": 32, "nis-server": 41, "ntp-server": 42, "netbios-ns": 44, "netbios-dd": 45,
    "x-windows-fs": 48, "x-windows-dm": 49, "nis+-server": 65, "mobile-ip-home": 68, "smtp-server": 69,
    "pop3-server": 70, "nntp-server": 71, "irc-server": 74, "tftp-server-address": TFTP_ADDRESS,
    "server-ip-address": NEXT_SERVER,
}  # fmt: skip
_PAIRS = {"policy-filter": 21, "static-route": 33}
_TEXTS = {
    "hostname": 12, "domain-name": 15, "root-path": 17, "extension-path": 18, "nis-domain": 40, "netbios-scope": 47,
    "vendor-class": 60, "nis+-domain": 64, "tftp-server": TFTP, "bootfile-name": BOOT_FILE, "user-class": 77,
    "posix-timezone": 100, "tzdb-timezone": 101, "config-file": 209, "path-prefix": 210, "wpad": 252,
}  # fmt: skip
_BYTES = {
    "ip-forward-enable": 19, "non-local-source-routing": 20, "default-ttl": 23, "all-subnets-local": 27,
    "router-discovery": 31, "trailer-encapsulation": 34, "ethernet-encap": 36, "tcp-ttl": 37, "netbios-nodetype": 46,
}  # fmt: skip
_SHORTS = {"boot-file-size": 13, "max-datagram-reassembly": 22, "mtu": 26, "client-arch": 93}
_LONGS = {"time-offset": 2, "arp-timeout": 35, "tcp-keepalive": 38, "ipv6-only": 108}
_TIMES = {"lease-time": 51, "t1": 58, "t2": 59}
_ROUTES = {"classless-static-route": ROUTES, "ms-classless-static-route": MICROSOFT_ROUTES}
_OTHERS: dict[str, tuple[int, Form]] = {
    "domain-search": (SEARCH, _domains), "sip-server": (_SIP, _sip), "vendor-encap": (43, _guessed),
    "vendor-id-encap": (125, _guessed),
}  # fmt: skip
_GROUPS: list[tuple[dict[str, int], Form]] = [
    (_ADDRESSES, _addresses), (_PAIRS, _address_pairs), (_TEXTS, _text), (_BYTES, _number(1)), (_SHORTS, _number(2)),
    (_LONGS, _number(4)), (_TIMES, _seconds), (_ROUTES, _routes),
]  # fmt: skip
_FORMS: dict[int, Form] = {code: form for group, form in _GROUPS for code in group.values()} | dict(_OTHERS.values())
_CODES: dict[str, int] = {name: code for group, _ in _GROUPS for name, code in group.items()} | {
    name: code for name, (code, _) in _OTHERS.items()
}

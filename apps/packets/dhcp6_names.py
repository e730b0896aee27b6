"""DHCPv6 options by name or number, with values as `extra_dhcp_opts` give them: text.

Names and forms of values are those that users of OpenStack know from dnsmasq; numbers are IANA's.  Options that the
server itself makes (identifiers, addresses, statuses) cannot be given.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv6Address

from .domain_names import encoded

MOST = 512  # bytes of a value
OPTIONS = 0xFFFF
_OWN = frozenset((*range(1, 10), 11, 12, 13, 14, 16, 17, 18, 19, 20, 25, 26, 39, 82, 83))
_HEX = re.compile("[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2})+")
_NTP_SERVER, _NTP_GROUP, _NTP_NAME = 1, 2, 3  # RFC 5908, 4


def _items(value: str) -> list[str]:
    return [each.strip() for each in value.split(",") if each.strip()]


def _address(text: str) -> bytes:
    return IPv6Address(text.removeprefix("[").removesuffix("]")).packed


def _addresses(value: str) -> bytes:
    return b"".join([_address(each) for each in _items(value)])


def _names(value: str) -> bytes:
    return b"".join([encoded(each) for each in _items(value)])


def _text(value: str) -> bytes:
    return value.encode()


def _counted(value: str) -> bytes:
    """Texts with their lengths (RFC 5970, 3.2)."""
    texts = [each.encode() for each in _items(value)]
    return b"".join([len(each).to_bytes(2, "big") + each for each in texts])


def _seconds(value: str) -> bytes:
    return int(value).to_bytes(4, "big")


def _time_servers(value: str) -> bytes:
    """Suboptions: addresses, of groups or of one server, and names."""
    found = b""
    for each in _items(value):
        try:
            data = _address(each)
            code = _NTP_GROUP if data[0] == 0xFF else _NTP_SERVER
        except ValueError:
            code, data = _NTP_NAME, encoded(each)
        found += code.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data
    return found


def _any(value: str) -> bytes:
    """Of an option without a known form: bytes with colons, addresses, or text."""
    if _HEX.fullmatch(value):
        return bytes([int(each, 16) for each in value.split(":")])
    try:
        return _addresses(value)
    except ValueError:
        return value.encode()


Form = Callable[[str], bytes]

NAMED: dict[str, tuple[int, Form]] = {
    "user-class": (15, _counted),
    "sip-server-domain": (21, _names),
    "sip-server": (22, _addresses),
    "dns-server": (23, _addresses),
    "domain-search": (24, _names),
    "nis-server": (27, _addresses),
    "nis+-server": (28, _addresses),
    "nis-domain": (29, _names),
    "nis+-domain": (30, _names),
    "sntp-server": (31, _addresses),
    "information-refresh-time": (32, _seconds),
    "ntp-server": (56, _time_servers),
    "bootfile-url": (59, _text),
    "bootfile-param": (60, _counted),
}
_FORMS = dict(NAMED.values())


def given(name: str, value: str) -> tuple[int, bytes]:
    """Code and value of an option.  Raises ValueError for one that is not known, not given so, or the server's own.

    `name`: a name, or a number, with "option6:" before it or not.
    """
    name = name.strip().lower().removeprefix("option6:")
    if name in NAMED:
        code, form = NAMED[name]
    elif name.isascii() and name.isdecimal() and len(name) < 6 and 0 < int(name) <= OPTIONS:
        code = int(name)
        form = _FORMS.get(code, _any)
    else:
        raise ValueError(f"no option of DHCPv6 is called {name[:64]!r}")
    if code in _OWN:
        raise ValueError(f"option {code} of DHCPv6 is the server's own")
    try:
        data = form(value.strip())
    except OverflowError as error:
        raise ValueError(f"{value[:64]!r} is out of range") from error
    if len(data) > MOST:
        raise ValueError(f"option {code} of DHCPv6 has {len(data)} bytes, more than {MOST}")
    return code, data

"""Checks of names in the DNS: of hosts, and of the domains that they are in.  Each raises `Fault` as in `checks`."""

from __future__ import annotations

from controller.model.names import KEYWORDS, LONGEST, fault

from . import schema
from .checks import Fault, shown, text

_LABEL = "[0-9A-Za-z]([0-9A-Za-z-]{0,61}[0-9A-Za-z])?"
_NAME = f"{_LABEL}(\\.{_LABEL})*"
_LEVEL = f"({_LABEL}|{'|'.join(f'<{keyword}>' for keyword in KEYWORDS)})"
_LEAST = 2  # characters of a host's label and its dot, for which a domain leaves room


@schema.takes({"type": "string", "maxLength": LONGEST, "pattern": rf"^({_NAME}\.?)?$"})
def dns_name(value: object) -> str:
    """Name of a host in lower case, fully qualified where it ends in a dot; "" for none."""
    return _name(value, LONGEST)


@schema.takes({"type": "string", "maxLength": LONGEST - _LEAST, "pattern": f"^({_NAME})?$"})
def relative_dns_name(value: object) -> str:
    """Name of a host within a domain that is said beside it."""
    name = _name(value, LONGEST - _LEAST)
    if name.endswith("."):
        raise Fault(f"{shown(value)} is a FQDN. It should be a relative domain name")
    return name


@schema.takes({"type": "string", "maxLength": LONGEST - _LEAST, "pattern": rf"^(({_LEVEL}\.)+)?$"})
def dns_domain(value: object) -> str:
    """Domain of hosts in lower case, with its last dot; "" for none.  Labels may be keywords."""
    name = _name(value, LONGEST - _LEAST, keywords=True)
    if name and not name.endswith("."):
        raise Fault(f"{shown(value)} is not a FQDN: it has no dot at its end")
    return name


def _name(value: object, longest: int, keywords: bool = False) -> str:
    name = text(value)
    if not name:
        return ""
    # only of ASCII: some other letters have lower cases within it
    why = fault(name.lower(), keywords) if name.isascii() else "it has other letters than those of ASCII"
    if not why and len(name) > longest:
        why = f"it is longer than {longest} characters"
    if why:
        raise Fault(f"{shown(value)} not a valid PQDN or FQDN. Reason: {why}")
    return name.lower()

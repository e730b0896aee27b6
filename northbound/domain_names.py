"""Checks of domain names (RFC 1123, 2.1) with upstream's bounds; they are compared and kept in lower case."""

from __future__ import annotations

import re

from controller.model.names import KEYWORDS, LONGEST

from . import schema
from .checks import Fault, shown, text

LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# labels with dots between them, of which the last, where there are several, is not a number
_NAME = rf"({LABEL}|({LABEL}\.)+(?![0-9]+\.?$){LABEL})"
_RELATIVE, _ABSOLUTE = re.compile(rf"^({_NAME})?$"), re.compile(rf"^({_NAME}\.)?$")
_LEVEL = rf"({LABEL}|<({'|'.join(KEYWORDS)})>)"
_NAMED = re.compile(rf"^({_NAME}\.?)?$")
_LEVELS = re.compile(rf"^(({_LEVEL}\.)*(?![0-9]+\.$){_LEVEL}\.)?$")
LONGEST_RELATIVE, LONGEST_DOMAIN = 252, 253  # characters, so that a name and a domain can be put together


@schema.takes({"type": "string", "maxLength": LONGEST_RELATIVE, "pattern": _RELATIVE.pattern})
def relative_name(value: object) -> str:
    """A name without a dot at its end, relative to a domain; "" for none."""
    if text(value).endswith("."):
        raise Fault(f"{shown(value)} is a FQDN. It should be a relative domain name")
    return _checked(text(value), _RELATIVE, LONGEST_RELATIVE)


@schema.takes({"type": "string", "maxLength": LONGEST_DOMAIN, "pattern": _ABSOLUTE.pattern})
def domain(value: object) -> str:
    """A fully qualified domain name, with a dot at its end; "" for none."""
    if text(value) and not text(value).endswith("."):
        raise Fault(f"{shown(value)} is not a FQDN")
    return _checked(text(value), _ABSOLUTE, LONGEST_DOMAIN)


@schema.takes({"type": "string", "maxLength": LONGEST, "pattern": _NAMED.pattern})
def host_name(value: object) -> str:
    """A name, fully qualified where it has a dot at its end; "" for none."""
    return _checked(text(value), _NAMED, LONGEST)


@schema.takes({"type": "string", "maxLength": LONGEST_DOMAIN, "pattern": _LEVELS.pattern})
def keyword_domain(value: object) -> str:
    """A fully qualified domain name whose labels may be keywords (`<project_id>.example.org.`); "" for none."""
    if text(value) and not text(value).endswith("."):
        raise Fault(f"{shown(value)} is not a FQDN")
    return _checked(text(value), _LEVELS, LONGEST_DOMAIN)


def _checked(value: str, pattern: re.Pattern[str], longest: int) -> str:
    if len(value) > longest:
        raise Fault(f"{shown(value)} has more than {longest} characters")
    if not pattern.fullmatch(value):
        raise Fault(f"{shown(value)} not a valid PQDN or FQDN: labels are 1 to 63 letters, digits and hyphens inside, "
                    "and the last of several is not a number")  # fmt: skip
    return value.lower()

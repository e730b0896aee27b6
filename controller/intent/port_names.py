"""Rules of ports' names in the DNS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.intent.env import Means
from controller.model.names import LONGEST, below
from controller.runtime.errors import Invalid


def asked(request: Mapping[str, Any], means: Means) -> dict[str, Any]:
    """Fields of a port that follow from the names that a request gives, which are well formed; {} without any.

    Raises Invalid for a fully qualified name outside the domain of ports' names, and for one that is too long with it.
    """
    if "dns_name" not in request and "dns_domain" not in request:
        return {}
    _check(request.get("dns_name", ""), means.naming.domain)
    said = {name: request[name] for name in ("dns_name", "dns_domain") if name in request}
    return {**said, "dns_keywords": means.keywords}


def _check(name: str, domain: str) -> None:
    if name.endswith("."):
        if not domain or not name.endswith(f".{domain}"):
            raise _refused(f"'{name}' is fully qualified and not below the domain '{domain}' of ports' names")
    elif name and len(below(name, domain)) > LONGEST:
        raise _refused(f"'{name}' with the domain '{domain}' is longer than {LONGEST} characters")


def _refused(why: str) -> Invalid:
    return Invalid(f"Invalid input for dns_name. Reason: {why}.", "HTTPBadRequest")

"""Hosts and origins that requests may name: against DNS rebinding and cross-site requests, where no token is asked for.

A page whose name is made to lead to a controller's address (DNS rebinding) is of one origin with it, for the browser.
What gives it away is its name, in Host; a page of elsewhere is given away by Origin and Sec-Fetch-Site (Fetch
standard; W3C Fetch Metadata Request Headers).
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

ANY = "*"
LOCAL = "localhost"
_PORTS = {"http": 80, "https": 443}


class HostRefusal(NamedTuple):
    status: int
    kind: str
    message: str


class Hosts(NamedTuple):
    """`names`: of the listener, or of proxies before it, in lower case.  `tokens`: whether callers show a token, which
    no browser sends unless a page has it; then Host is looked at only where names are configured, and Origin is not.
    """

    names: Collection[str] = (ANY,)
    tokens: bool = False

    def refusal(self, environ: Mapping[str, Any]) -> HostRefusal | None:
        """Why a request is not answered: its Host is not ours (RFC 9110, 15.5.20), or another site asks."""
        if ANY in self.names or (self.tokens and not self.names):
            return None
        said: str = environ.get("HTTP_HOST") or ""
        host = _host(said)
        if said and not self._is_ours(host):
            message = (
                f"Host {host[:64]!r} is not a name of this controller: use its address, or have the operator add the "
                "name to [northbound] hosts."
            )
            return HostRefusal(421, "MisdirectedRequest", message)
        if not self.tokens and self._is_foreign(environ, said):
            return HostRefusal(403, "CrossSiteRequest", "Pages of other sites may ask for nothing here.")
        return None

    def _is_ours(self, host: str) -> bool:
        """An address cannot be rebound, whichever it is."""
        return host == LOCAL or host in self.names or _is_address(host)

    def _is_foreign(self, environ: Mapping[str, Any], host: str) -> bool:
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and not self._is_same(origin, environ.get("wsgi.url_scheme", "http"), host):
            return True
        return bool(environ.get("HTTP_SEC_FETCH_SITE", "").lower() == "cross-site")

    def _is_same(self, origin: str, scheme: str, host: str) -> bool:
        """The origin is Host itself, or a name of a proxy, which may ask under another."""
        try:
            split = urlsplit(origin)
            name, port = split.hostname or "", split.port or _PORTS.get(split.scheme)
            here = urlsplit(f"{scheme}://{host}")
            same = (name, port) == (here.hostname, here.port or _PORTS.get(scheme))
        except ValueError:
            return False
        return same or name in self.names


def _host(said: str) -> str:
    """Of HOST[:PORT], an IPv6 address in brackets; without the dot that ends a full name."""
    if said.startswith("["):
        return said[1:].partition("]")[0]
    return said.partition(":")[0].removesuffix(".").lower()


@functools.lru_cache(maxsize=256)  # a client says the same at each request
def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True

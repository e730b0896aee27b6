"""WSGI environment of a request (PEP 3333; RFC 3875, 4.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from .head import Fields

HERE = "tenet.here"  # key in the environment: how many bytes of the body have come already, at least
_NO_PREFIX = ("CONTENT_TYPE", "CONTENT_LENGTH")


def of_connection(base: Mapping[str, Any], sock: Any, client: Any) -> dict[str, Any]:
    """What all requests of a connection have in common.  `client`: its address, an empty text if it has none."""
    host, port = sock.getsockname()[:2]
    found = {**base, "SCRIPT_NAME": "", "SERVER_PROTOCOL": "HTTP/1.1", "SERVER_NAME": host, "SERVER_PORT": str(port)}
    if client:
        found |= {"REMOTE_ADDR": client[0], "REMOTE_PORT": str(client[1])}
    return found


def of_request(lasting: Mapping[str, Any], method: str, target: str, fields: Fields) -> dict[str, Any]:
    """A new environment.  `target` in origin-form.

    Field names with an underscore are left out: `X_Auth_Token` would pass for `X-Auth-Token`.
    """
    path, _, query = target.partition("?")
    found = {
        **lasting,
        "REQUEST_METHOD": method,
        "PATH_INFO": unquote(path, encoding="latin-1") if "%" in path else path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": fields.get("content-type", fields.get_content_type()),
    }
    length = fields.get("content-length")
    if length:
        found["CONTENT_LENGTH"] = length
    for name, value in fields.pairs:
        if "_" in name:
            continue
        key = name.replace("-", "_").upper()
        if key in _NO_PREFIX:
            continue
        key = f"HTTP_{key}"
        found[key] = f"{found[key]},{value}" if key in found else value
    return found

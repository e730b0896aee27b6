"""Media types of requests and answers: JSON or XML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webob import Request

from ..answer import JSON, Response, as_json, as_large_json, gathered
from ..body import JSON_TYPES, from_json, media_type, raw, unsupported
from ..errors import Problem, bad_request
from . import xml
from .dialect import Dialect

XML = "application/xml"
MOST_XML = 65_536  # bytes of a body: v1's requests have one object with one parameter
_XML_TYPES = (XML, "text/xml")
NOTHING = object()  # no body, other than a body of null
_SUFFIXES = {".json": JSON, ".xml": XML}


def split(path: str) -> tuple[str, str]:
    """Path without its suffix, and the media type of the suffix ("" for none)."""
    for suffix, media in _SUFFIXES.items():
        if path.endswith(suffix):
            return path.removesuffix(suffix), media
    return path, ""


def wanted(request: Request, suffix: str) -> str:
    """Media type of the answer: by suffix, else by Accept, else that of the request's body; JSON by default."""
    if suffix:
        return suffix
    accept = request.environ.get("HTTP_ACCEPT", "")
    if "xml" in accept or "json" in accept:
        offers = request.accept.acceptable_offers([JSON, *_XML_TYPES])
        if offers:
            return JSON if offers[0][0] == JSON else XML
    return XML if media_type(request) in _XML_TYPES else JSON


def say(dialect: Dialect, media: str, status: int, body: Mapping[str, Any], revision: int = 0) -> Response:
    """Answer in a media type.  `body` has one key, the name of its content."""
    if media == XML:
        return Response(
            status, content_type=XML, revision=revision, pieces=gathered(xml.write(body, dialect.namespace))
        )
    return as_json(status, body, revision) if revision else as_large_json(status, body)


def error(dialect: Dialect, media: str, found: Problem) -> Response:
    """Error answer: {"QuantumError": {"type", "message", "detail"}}, with the version's status for the type; in v1.0
    {"networkNotFound": {"code", "message", "detail"}}.
    """
    status = dialect.codes.get(found.kind, found.status)
    body: dict[str, Any]
    if dialect.named_faults:
        name = found.kind[:1].lower() + found.kind[1:]
        body = {name: {"code": status, "message": found.message, "detail": found.detail}}
    else:
        body = {"QuantumError": {"type": found.kind, "message": found.message, "detail": found.detail}}
    return say(dialect, media, status, body)._replace(headers=found.headers)


def body(dialect: Dialect, request: Request, suffix: str) -> object:
    """Decoded body of a request in JSON or XML; NOTHING when there is none.  Raises HttpError."""
    data = raw(request)
    if not data:
        return NOTHING
    given = media_type(request) or suffix
    if given in JSON_TYPES:
        return from_json(data)
    if given in _XML_TYPES:
        if len(data) > MOST_XML:
            raise bad_request(f"The body has more than {MOST_XML} bytes, the limit for XML.")
        return xml.read(data, dialect.namespace)
    raise unsupported(given, f"{JSON} or {XML}")

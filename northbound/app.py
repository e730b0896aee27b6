"""WSGI application: from a request to a handler, from its answer or error to a response."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from webob import Request

from controller.runtime import hub
from controller.runtime.errors import Refused, Unavailable
from controller.runtime.randomness import new_uuid

from . import audit, dry_run, errors, preview, versions
from .answer import SLICE, Response
from .ask import Ask
from .auth import Caller
from .checks import Fault
from .context import Context
from .endpoints import ENDPOINTS
from .errors import HttpError, Problem, bad_request
from .openapi import document
from .routes import RouteTable
from .v1.api import Speech
from .v1.dialect import V10, V11
from .v2 import api as v2
from .wire.connections import KNOWN

log = logging.getLogger("tenet.api")

StartResponse = Callable[[str, list[tuple[str, str]]], Any]
Wsgi = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]
DIALECTS = {"v1.0": Speech(V10), "v1.1": Speech(V11)}
PUBLIC = ("", "healthz", "readyz")  # first part of paths for which nobody needs to be known
_REASONS = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


def application(context: Context) -> Wsgi:
    routes = _routes(context.quantum)

    def serve(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        started = time.monotonic()
        request_id = f"req-{new_uuid()}"
        request = Request(environ)
        written: list[str] = []
        answer, caller = _answer(context, routes, request, request_id, written)
        audit.record(request, caller, answer, written, request_id, started)
        return _respond(request, answer, request_id, start_response)

    return serve


def _routes(quantum: bool) -> RouteTable:
    routes = RouteTable()
    routes.add("", {"GET": versions.root})
    routes.add("v2.0", {"GET": versions.v2})
    routes.add("v2.0/extensions", {"GET": versions.extensions})
    routes.add("v2.0/extensions/*", {"GET": versions.extension})
    v2.add(routes)
    for speech in DIALECTS.values() if quantum else ():
        speech.add(routes)
    routes.add("openapi.json", {"GET": document.show})
    routes.add("docs", {"GET": document.page})
    routes.add("docs/*", {"GET": document.page})
    for endpoint in ENDPOINTS:
        routes.add(endpoint.pattern, {endpoint.method: endpoint.guarded()})
    return routes


def _answer(
    context: Context, routes: RouteTable, request: Request, request_id: str, written: list[str]
) -> tuple[Response, Caller | None]:
    path: str = request.environ.get("PATH_INFO", "")
    caller: Caller | None = None
    try:
        path = _path(request)
        refusal = context.hosts.refusal(request.environ)
        if refusal is not None:
            raise HttpError(*refusal)
        caller = _caller(context, request, path)
        speech = _speech(path)
        handler, taken = routes.find(request.method, speech.path(path) if speech else v2.path(path))
        ask = Ask(request, context, caller, written)
        try:
            return handler(ask, *taken), caller
        except dry_run.Foreseen as foreseen:
            return preview.answer(ask, foreseen.changes), caller
    except (HttpError, Refused, Unavailable) as error:
        if isinstance(error, Unavailable):
            log.warning("request=%s unavailable: %s", request_id, error)
        return _error(request, path, errors.problem(error)), caller
    except Exception as error:
        log.exception("request=%s failed", request_id)
        return _error(request, path, errors.problem(error)), caller


def _speech(path: str) -> Speech | None:
    """The dialect of v1 that a path belongs to."""
    return DIALECTS.get(path[1:].partition("/")[0].removesuffix(".json").removesuffix(".xml"))


def _error(request: Request, path: str, found: Problem) -> Response:
    """In the form of the API that was meant."""
    speech = _speech(path)
    if speech:
        return speech.error(request, path, found)
    return errors.answer("NeutronError" if path.startswith("/v2.0") else "TenetError", found)


def _path(request: Request) -> str:
    try:
        path: str = request.path_info
    except UnicodeDecodeError:
        raise bad_request("The path is not UTF-8.") from None
    return path


def _caller(context: Context, request: Request, path: str) -> Caller:
    """Before anything is looked for: whoever is nobody is not told what there is."""
    try:
        caller = context.identity.who(request)
        request.environ.get(KNOWN, lambda: None)()
        return caller
    except Fault as fault:
        raise bad_request(f"{fault}.") from None
    except HttpError:
        if path.strip("/").partition("/")[0] in PUBLIC:
            return audit.NOBODY
        raise


def _respond(request: Request, answer: Response, request_id: str, start_response: StartResponse) -> Iterable[bytes]:
    headers = [("X-Openstack-Request-Id", request_id), *answer.headers]
    if answer.stream is not None:
        start_response(_REASONS[answer.status], [*headers, ("Content-Type", answer.content_type)])
        return [b""] if request.method == "HEAD" else answer.stream
    if answer.status != 204:
        headers += [("Content-Type", answer.content_type), ("Content-Length", str(answer.length))]
    start_response(_REASONS.get(answer.status, f"{answer.status} Error"), headers)
    if request.method == "HEAD":
        return [b""]
    return hub.taking_turns(answer.pieces, SLICE) if answer.pieces else [answer.body]

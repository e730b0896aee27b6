"""The WSGI application: from a request to a handler, from its answer or error to a response."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from webob import Request

from controller.errors import Refused, Unavailable

from . import cluster, errors, operators, versions
from .answer import Answer
from .ask import Ask
from .auth import who
from .checks import Fault
from .context import Context
from .errors import HttpError, Problem, bad_request
from .routes import Routes
from .v1.api import Speech
from .v1.dialect import V11
from .v2.engine import collection, member
from .v2.networks import NETWORKS
from .v2.ports import PORTS
from .v2.subnets import SUBNETS

log = logging.getLogger("tenet.api")

StartResponse = Callable[[str, list[tuple[str, str]]], Any]
Wsgi = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]
RESOURCES = (NETWORKS, SUBNETS, PORTS)
DIALECTS = {"v1.1": Speech(V11)}
_REASONS = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


def application(context: Context) -> Wsgi:
    routes = _routes()

    def serve(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        started = time.monotonic()
        request_id = f"req-{uuid.uuid4()}"
        request = Request(environ)
        answer = _answer(context, routes, request, request_id)
        _record(request, answer, request_id, started)
        return _respond(request, answer, request_id, start_response)

    return serve


def _routes() -> Routes:
    routes = Routes()
    routes.add("", {"GET": versions.root})
    routes.add("v2.0", {"GET": versions.v2})
    routes.add("v2.0/extensions", {"GET": versions.extensions})
    routes.add("v2.0/extensions/*", {"GET": versions.extension})
    for resource in RESOURCES:
        routes.add(f"v2.0/{resource.plural}", collection(resource))
        routes.add(f"v2.0/{resource.plural}/*", member(resource))
    for speech in DIALECTS.values():
        speech.add(routes)
    routes.add("healthz", {"GET": operators.health})
    routes.add("metrics", {"GET": operators.metrics})
    routes.add("tenet/v1/cluster", {"GET": cluster.show})
    routes.add("tenet/v1/cluster/accept-empty", {"POST": cluster.accept})
    routes.add("tenet/v1/cluster/members/*", {"DELETE": cluster.forget})
    routes.add("tenet/v1/cluster/members/*/drain", {"POST": cluster.drain, "DELETE": cluster.undrain})
    routes.add("tenet/v1/switches", {"GET": operators.switches})
    routes.add("tenet/v1/switches/*", {"GET": operators.switch, "DELETE": operators.forget})
    routes.add("tenet/v1/switches/*/flows", {"GET": operators.flows})
    return routes


def _answer(context: Context, routes: Routes, request: Request, request_id: str) -> Answer:
    path: str = request.environ.get("PATH_INFO", "")
    try:
        path = _path(request)
        speech = _speech(path)
        handler, taken = routes.find(request.method, speech.path(path) if speech else path)
        return handler(Ask(request, context, _caller(request)), *taken)
    except (HttpError, Refused, Unavailable) as error:
        if isinstance(error, Unavailable):
            log.warning("request=%s unavailable: %s", request_id, error)
        return _error(request, path, errors.problem(error))
    except Exception as error:
        log.exception("request=%s failed", request_id)
        return _error(request, path, errors.problem(error))


def _speech(path: str) -> Speech | None:
    """The dialect of v1 that a path belongs to."""
    return DIALECTS.get(path[1:].partition("/")[0].removesuffix(".json").removesuffix(".xml"))


def _error(request: Request, path: str, found: Problem) -> Answer:
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


def _caller(request: Request) -> Any:
    try:
        return who(request)
    except Fault as fault:
        raise bad_request(f"{fault}.") from None


def _record(request: Request, answer: Answer, request_id: str, started: float) -> None:
    """One line for every write, and for every failure of ours."""
    if request.method in ("GET", "HEAD") and answer.status < 500:
        return
    log.info(
        "%s %s status=%d ms=%.1f revision=%d request=%s",
        request.method[:16],
        repr(request.environ.get("PATH_INFO", ""))[1:-1][:256],
        answer.status,
        (time.monotonic() - started) * 1000,
        answer.revision,
        request_id,
    )


def _respond(request: Request, answer: Answer, request_id: str, start_response: StartResponse) -> Iterable[bytes]:
    headers = [("X-Openstack-Request-Id", request_id), *answer.headers]
    if answer.status != 204:
        headers += [("Content-Type", answer.content_type), ("Content-Length", str(len(answer.body)))]
    start_response(_REASONS.get(answer.status, f"{answer.status} Error"), headers)
    return [b""] if request.method == "HEAD" else [answer.body]

"""Errors as responses: status and body, in any API's form."""

from __future__ import annotations

from typing import NamedTuple

from controller.runtime.errors import Conflict, Exhausted, Forbidden, Invalid, NotFound, Refused, Unavailable

from .answer import Response, as_json
from .resource import BAD_REQUEST

RETRY_AFTER = 1  # seconds, when the store cannot take a write now


class HttpError(Exception):
    """Wrong as HTTP, before any rule is asked.  `headers` go into the answer."""

    def __init__(self, status: int, kind: str, message: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.headers = headers


class Problem(NamedTuple):
    """An error as every API can say it."""

    status: int
    kind: str
    message: str
    detail: str = ""
    headers: tuple[tuple[str, str], ...] = ()


_STATUSES: tuple[tuple[type[Refused], int], ...] = (
    (NotFound, 404),
    (Conflict, 409),
    (Exhausted, 409),
    (Invalid, 400),
    (Forbidden, 403),
)
_KINDS = {"NoNetworkAvailable": 503, "MacAddressGenerationFailure": 503}  # OpenStack's exceptions to the classes


def problem(error: Exception) -> Problem:
    """What to answer to `error`; of one that nobody foresaw, nothing is told."""
    if isinstance(error, HttpError):
        return Problem(error.status, error.kind, error.message, "", error.headers)
    if isinstance(error, Refused):
        status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 400)
        return Problem(_KINDS.get(error.kind, status), error.kind, error.message, error.detail)
    if isinstance(error, Unavailable):
        message = "The store cannot take this now; nothing of it is known to be done. Try again."
        return Problem(503, "ServiceUnavailable", message, "", (("Retry-After", str(RETRY_AFTER)),))
    return Problem(500, "HTTPInternalServerError", "An internal error: the request id finds it in the log.")


def answer(root: str, found: Problem) -> Response:
    """{root: {"type", "message", "detail"}}"""
    body = {root: {"type": found.kind, "message": found.message, "detail": found.detail}}
    return as_json(found.status, body, headers=found.headers)


def bad_request(message: str) -> HttpError:
    return HttpError(400, BAD_REQUEST, message)


def not_found(path: str) -> HttpError:
    return HttpError(404, "HTTPNotFound", f"The resource could not be found: {path[:255]!r}.")


def method_not_allowed(allowed: str) -> HttpError:
    return HttpError(405, "HTTPMethodNotAllowed", f"Only {allowed} here.", (("Allow", allowed),))

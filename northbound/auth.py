"""Who asks.  Everybody is the operator for now; identity and policy come in here and nowhere else."""

from __future__ import annotations

from typing import NamedTuple

from webob import Request

from .checks import Fault, text

DEFAULT_PROJECT = "default"


class Caller(NamedTuple):
    project_id: str
    operator: bool


def who(request: Request) -> Caller:
    """Raises Fault for a header that cannot name a project."""
    headers = request.headers
    project = headers.get("X-Project-Id") or headers.get("X-Tenant-Id") or DEFAULT_PROJECT
    try:
        return Caller(text(project), operator=True)
    except Fault as fault:
        raise Fault(f"X-Project-Id: {fault}") from None

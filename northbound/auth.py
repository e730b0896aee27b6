"""Caller identity: what the northbound knows of a caller, and the interface to what finds it out."""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

from webob import Request

from .checks import Fault, text

DEFAULT_PROJECT = "default"
ADMIN, MANAGER, MEMBER, READER = "admin", "manager", "member", "reader"
# Keystone's default roles, each with those it implies (its `bootstrap` makes them so).
IMPLIED = {ADMIN: (MANAGER, MEMBER, READER), MANAGER: (MEMBER, READER), MEMBER: (READER,)}


class Caller(NamedTuple):
    """`operator`: sees every project, as the policy rule `context_is_admin` has it.  `user`: a name for the audit.

    `project`: the name of the project, where it is known.
    """

    project_id: str
    operator: bool
    user_id: str = ""
    roles: frozenset[str] = frozenset()
    system_scope: str = ""
    user: str = ""
    project: str = ""

    @property
    def keywords(self) -> tuple[tuple[str, str], ...]:
        """What keywords of domains stand for, beside the id of a port's project: (keyword, value), where known."""
        known = (("project_name", self.project), ("user_id", self.user_id), ("user_name", self.user))
        return tuple((keyword, value) for keyword, value in known if value)


class Identity(Protocol):
    """`again`: seconds after which who reads a stream is asked for anew."""

    @property
    def again(self) -> float: ...

    def who(self, request: Request) -> Caller:
        """Raises HttpError: 401 for a caller that is not known, 503 when that cannot be found out now."""
        ...


class Anybody:
    """Everybody is the operator, in the project that a header names (`[auth] strategy = none`)."""

    again = math.inf

    def who(self, request: Request) -> Caller:
        """Raises Fault for a header that cannot name a project."""
        environ = request.environ
        project = environ.get("HTTP_X_PROJECT_ID") or environ.get("HTTP_X_TENANT_ID") or DEFAULT_PROJECT
        try:
            return Caller(text(project), operator=True, roles=EVERY_ROLE)
        except Fault as fault:
            raise Fault(f"X-Project-Id: {fault}") from None


def with_implied(roles: list[str]) -> frozenset[str]:
    return frozenset(roles).union(*(IMPLIED.get(role, ()) for role in roles))


EVERY_ROLE = with_implied([ADMIN])

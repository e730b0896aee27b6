"""Declaration of a call that is of no resource: its path, its policy, its description."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from .answer import Response
from .ask import Ask, Handler
from .schema import OBJECT, SHOWN_TEXT, Schema

JSON_TYPE = "application/json"


class Parameter(NamedTuple):
    """Of a query."""

    name: str
    about: str
    schema: Schema = SHOWN_TEXT
    required: bool = False


class Endpoint(NamedTuple):
    """`path` with its parameters in braces.  `name` and `summary`: OpenAPI's operationId and summary.

    `rule`: of policy, asked before the handler; "" where the handler knows who may see what.  `answers`: what is said
    beside `status`, by status.  `shape`: of the answer's body; None: it has none.  `refusals`: statuses that are not
    those of every read or write; `without`: those of every one that this one has not.
    """

    method: str
    path: str
    handler: Handler
    name: str
    summary: str
    rule: str = ""
    status: int = 200
    about: str = "As asked."
    shape: Schema | None = OBJECT
    media: str = JSON_TYPE
    query: tuple[Parameter, ...] = ()
    answers: Mapping[int, str] = {}
    refusals: tuple[int, ...] = ()
    without: tuple[int, ...] = ()

    @property
    def parameters(self) -> list[str]:
        """The names of those in the path."""
        return re.findall(r"\{(\w+)\}", self.path)

    @property
    def pattern(self) -> str:
        """Its path as `Routes` has it."""
        return re.sub(r"\{\w+\}", "*", self.path.removeprefix("/"))

    @property
    def writes(self) -> bool:
        return self.method != "GET"

    def guarded(self) -> Handler:
        """The handler, for whoever may; a write of operators cannot be foreseen."""

        def handle(ask: Ask, *parts: str) -> Response:
            if self.rule:
                ask.context.policy.check(ask.caller, self.rule, {})
            if self.writes:
                ask.refuse_dry_run()
            return self.handler(ask, *parts)

        return handle

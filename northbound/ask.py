"""One request on its way through the northbound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar
from urllib.parse import parse_qsl

from webob import Request

from controller.intent.means import Means
from controller.store.transaction import Outcome, Transaction, transact

from . import prefer
from .answer import Answer
from .auth import Caller
from .context import Context
from .errors import bad_request
from .resource import View

T = TypeVar("T")
MAX_PARAMETERS = 200


class Ask(NamedTuple):
    request: Request
    context: Context
    caller: Caller

    @property
    def view(self) -> View:
        return View(self.context.replica.model, self.context.statuses)

    @property
    def means(self) -> Means:
        return self.context.means

    def transact(self, rules: Callable[[Transaction], T]) -> Outcome[T]:
        return transact(self.context.store, self.context.replica, rules)

    def wait(self, revision: int, port_ids: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """Wait as the request prefers; the headers that say so."""
        seconds = prefer.wait(self.request.environ.get("HTTP_PREFER"))
        if seconds is None:
            return ()
        self.context.statuses.wait(revision, port_ids, seconds)
        return prefer.applied(seconds)

    def query(self) -> dict[str, list[str]]:
        """The query's parameters, each with all its values.  Raises HttpError."""
        text = self.request.environ.get("QUERY_STRING") or ""
        if not text:
            return {}
        try:
            pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
        except ValueError as error:
            raise bad_request(f"The query cannot be read: {error}.") from None
        found: dict[str, list[str]] = {}
        for name, value in pairs:
            found.setdefault(name, []).append(value)
        return found


Handler = Callable[..., Answer]  # (ask, *parts of the path)

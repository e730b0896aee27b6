"""Request context: one request on its way through the northbound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import parse_qsl

from webob import Request

from controller.intent import sizes, slots
from controller.intent.env import Means
from controller.runtime.errors import Forbidden
from controller.store.transaction import Outcome, Transaction, transact

from . import audit, dry_run, prefer
from .answer import Response
from .auth import Caller
from .context import Context
from .errors import bad_request
from .resource import ResourceView

T = TypeVar("T")
MAX_PARAMETERS = 200


class Ask:
    """`written`: what the request wrote, for the audit: "+port/ID" made, "~port/ID" changed, "-port/ID" deleted."""

    __slots__ = ("caller", "context", "request", "view", "written")

    def __init__(self, request: Request, context: Context, caller: Caller, written: list[str]) -> None:
        self.request = request
        self.context = context
        self.caller = caller
        self.written = written
        self.view = ResourceView(context.replica.model, context.statuses, caller, context.naming)

    @property
    def means(self) -> Means:
        caller = self.caller
        return self.context.means._replace(
            project_id=caller.project_id, operator=caller.operator, by_name=caller.operator or self._attaches_by_name(),
            keywords=caller.keywords,
        )  # fmt: skip

    def _attaches_by_name(self) -> bool:
        mine = {"project_id": self.caller.project_id, "tenant_id": self.caller.project_id}
        try:
            self.context.policy.check(self.caller, "plug_interface_by_name", mine)
        except Forbidden:
            return False
        return True

    def transact(self, rules: Callable[[Transaction], T]) -> Outcome[T]:
        """Rules, then the bounds and quotas of what they make.  Raises Foreseen where no more than that is asked."""
        written: list[str] = []
        dry = dry_run.asked(self.request)

        def within_quotas(tx: Transaction) -> T:
            value = rules(tx)
            sizes.settle(tx)
            slots.settle(tx, self.context.limits, self.context.means)
            if dry:
                raise dry_run.foresee(tx)
            written[:] = audit.changes(tx)
            return value

        outcome = transact(self.context.store, self.context.replica, within_quotas)
        self.written.extend(written)
        return outcome

    def refuse_dry_run(self) -> None:
        """For what cannot be foreseen: better no answer than the deed.  Raises HttpError."""
        if dry_run.asked(self.request):
            raise bad_request("dry_run is for writes of tenants' objects, not for this call.")

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


Handler = Callable[..., Response]  # (ask, *parts of the path)

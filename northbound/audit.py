"""Audit log (`tenet.audit`): a line for every write that was asked for, done or refused, with the caller."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from webob import Request

from controller.store.transaction import Transaction

from .answer import Response
from .auth import Caller

log = logging.getLogger("tenet.audit")
MANY = 100  # objects that one line names
SAID = 256  # characters of a path or a name
NOBODY = Caller("", operator=False)


def record(
    request: Request, caller: Caller | None, answer: Response, written: Sequence[str], request_id: str, started: float
) -> None:
    """`started` by time.monotonic.

    Reads are recorded only when they failed through a fault of ours, and when they wrote: a default security group.
    """
    if request.method in ("GET", "HEAD") and answer.status < 500 and not written:
        return
    who = caller or NOBODY
    log.info(
        "%s %s status=%d ms=%.1f revision=%d request=%s from=%s project=%s user=%s roles=%s objects=%s",
        request.method[:16],
        _said(request.environ.get("PATH_INFO", "")),
        answer.status,
        (time.monotonic() - started) * 1000,
        answer.revision,
        request_id,
        _said(request.environ.get("REMOTE_ADDR", "-")),
        _said(who.project_id) or "-",
        _said(who.user_id or who.user) or "-",
        ",".join(sorted(map(_said, who.roles))) or "-",
        ",".join(written[:MANY]) + (f",...({len(written)})" if len(written) > MANY else "") or "-",
    )


def changes(tx: Transaction) -> list[str]:
    """What a transaction makes (+), changes (~) and deletes (-)."""
    found = []
    for before, after in tx.changes():
        row = after or before
        if row is not None and before != after:
            found.append(("+" if before is None else "-" if after is None else "~") + row.key)
    return found


def _said(text: str) -> str:
    """In one word: what others wrote must not look like fields of ours."""
    return repr(text[:SAID])[1:-1].replace(" ", "\\x20")

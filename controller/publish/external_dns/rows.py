"""What is written down of names in external DNS, before and after an update is sent.

Before: so that whoever takes over knows of records that may be there.  After: so that they are not sent again.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from msgspec.structs import replace

from controller.model.rows import PublishedName, Secret, UnpublishedZone
from controller.publish.external_dns.updates import Answer, Result
from controller.publish.external_dns.wanted import NameChange
from controller.store.transaction import Transaction


def identity(tx: Transaction) -> bytes:
    """The 16 bytes by which this deployment's names are known on the server; drawn at the first use."""
    found = tx.get(Secret, "external-dns")
    if found is None:
        found = Secret(id="external-dns", value=secrets.token_hex(16))
        tx.put(found)
    return bytes.fromhex(found.value)


def announce(tx: Transaction, changes: Iterable[NameChange]) -> list[NameChange]:
    """Write down what is about to be sent; changes of rows that are otherwise by now are left out."""
    found = []
    for change in changes:
        row = tx.get(PublishedName, change.name)
        if row != change.before:
            continue
        now = change.now if row is None or row.records != change.now.records else replace(change.now, reason=row.reason)
        if row != now:
            tx.put(now)
        found.append(NameChange(now, row))
    return found


def settle(tx: Transaction, change: NameChange, answer: Answer) -> None:
    """Write down what the server has answered to an announced change.

    Another row by now: another member has sent something meanwhile, which ours may have followed.  It is sent again.
    """
    row = tx.get(PublishedName, change.name)
    if row is None or row != change.now:
        if answer.result is Result.DONE:
            other = row or replace(change.now, records=())
            if other.sent or row is None:
                tx.put(replace(other, sent=False))
        return
    if answer.result is not Result.DONE:
        reason = answer.reason if answer.result is Result.NAME else ""
        if row.reason != reason:
            tx.put(replace(row, reason=reason))
    elif row.records:
        tx.put(replace(row, sent=True, reason=""))
    else:
        tx.delete(row)


def trouble(tx: Transaction, zone: str, reason: str, since: float) -> None:
    """Write down why a zone's updates fail; "": they do not."""
    row = tx.get(UnpublishedZone, zone)
    if not reason:
        if row is not None:
            tx.delete(row)
    elif row is None or row.reason != reason:
        tx.put(UnpublishedZone(id=zone, reason=reason, since=row.since if row is not None else since))

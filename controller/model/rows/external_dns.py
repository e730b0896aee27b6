"""Names in external DNS: what has been published, and why something has not.  They never affect flows."""

from __future__ import annotations

import msgspec

from .base import Row, row


class DnsRecord(msgspec.Struct, frozen=True, array_like=True):
    """A resource record: `type` A, AAAA or PTR, and its value as text."""

    type: str
    value: str


@row("published_name", lookup=("zone",), flowless=True)
class PublishedName(Row, frozen=True, kw_only=True):
    """Records of one name that the DNS server has been sent, or is about to be.

    `id`: the name with its dot at the end, in lower case.  `zone`: that it is in.  `holder`: the object whose name it
    is ("port/ID", "floatingip/ID"), of a reverse name the name that it leads to.  `records` (): it is to be removed.
    `sent`: the server has taken exactly these.  `reason`: why it has refused them, or "".
    """

    id: str
    zone: str
    holder: str
    records: tuple[DnsRecord, ...] = ()
    sent: bool = False
    reason: str = ""


@row("unpublished_zone", flowless=True)
class UnpublishedZone(Row, frozen=True, kw_only=True):
    """A zone whose updates fail, and why; `since`: Unix time of the first failure.

    `id`: the zone with its dot at the end; "." alone: every zone, because the server is not reached.
    """

    id: str
    reason: str
    since: float

"""Cluster bookkeeping rows.  They never affect flows."""

from __future__ import annotations

import msgspec

from .base import Row, row


@row("secret")
class Secret(Row, frozen=True, kw_only=True):
    """Secret that the members of a deployment share, as hex digits.  No API shows it."""

    id: str
    value: str


@row("member", flowless=True)
class Member(Row, frozen=True, kw_only=True):
    """A controller of the cluster, present or not; hypervisors are given the addresses of all.

    `openflow`, `ovsdb`, `rest`: ADDRESS:PORT (IPv6 in brackets).  `draining`: it masters no switch any more.
    """

    id: str
    openflow: str
    ovsdb: str
    rest: str
    tls: bool = False
    draining: bool = False


@row("presence", flowless=True)
class Presence(Row, frozen=True, kw_only=True):
    """Presence of a member, written under its lease.  `instance`: random, of this run; `since`: Unix time."""

    id: str
    instance: str
    since: float
    lease: float  # seconds


@row("reach", flowless=True)
class Reach(Row, frozen=True, kw_only=True):
    """Switches that a member is connected to, and those that it masters, sorted; written under its lease."""

    id: str
    switches: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()
    held: tuple[str, ...] = ()


@row("level", flowless=True)
class Level(Row, frozen=True, kw_only=True):
    """Progress of the switches that a member masters, written under its lease.

    They are at revision `compiled`, but for those in `behind`.  `refused`: key of an object -> why a switch refuses
    a flow of it; `unlisted` objects more are refused than fit in, by the switches in `doubtful`.
    """

    id: str
    compiled: int
    behind: dict[str, int] = msgspec.field(default_factory=dict)
    refused: dict[str, str] = msgspec.field(default_factory=dict)
    unlisted: int = 0
    doubtful: tuple[str, ...] = ()


@row("told", flowless=True)
class NovaNotification(Row, frozen=True, kw_only=True):
    """Nova knows that port `id` is up for `server`, at the interface of switch `switch_id` with this `since`."""

    id: str
    server: str
    switch_id: str
    since: int


@row("confirmed", flowless=True)
class Confirmed(Row, frozen=True, kw_only=True):
    """Switches that had not confirmed all of their flows at revision `after`; all others had."""

    id: str
    after: int
    but: tuple[str, ...] = ()

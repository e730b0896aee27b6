"""Lease of this member's own rows, and the time until which it is certainly valid."""

from __future__ import annotations

from controller.store.store import Lease

MARGIN = 0.1  # part of the lease: writing stops this much before it may lapse


class HeldLease:
    """Current lease of this member.  `lease` is None between two leases; `lapses` counts those that were lost."""

    def __init__(self) -> None:
        self.lease: Lease | None = None
        self.lapses = 0

    def until(self) -> float:
        """Monotonic time until which the lease is certainly valid; 0.0 without one."""
        return self.lease.alive_until - MARGIN * self.lease.ttl if self.lease is not None else 0.0

    def take_away(self) -> Lease | None:
        """Drop the lease; it is returned for revocation."""
        lease, self.lease = self.lease, None
        return lease

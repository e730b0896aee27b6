"""The lease under which a member's own rows are: given up, lost, and asked for anew."""

from __future__ import annotations

from controller.store.store import Lease

MARGIN = 0.1  # of the lease: a member stops writing that much before it may be over


class HeldLease:
    """`lease` is None between two leases; `lapses` counts those that were lost."""

    def __init__(self) -> None:
        self.lease: Lease | None = None
        self.lapses = 0

    def until(self) -> float:
        """Monotonic time until which the lease is sure to be ours; 0.0 without one."""
        return self.lease.alive_until - MARGIN * self.lease.ttl if self.lease is not None else 0.0

    def take_away(self) -> Lease | None:
        """The lease, which is no longer held."""
        lease, self.lease = self.lease, None
        return lease

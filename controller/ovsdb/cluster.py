"""Cluster as the OVSDB side sees it: controllers and managers to be set, and who may write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol


class ClusterTargets(Protocol):
    def owns(self, system_id: str) -> bool:
        """Whether this process keeps the hypervisor right and tells what is seen on it, now."""
        ...

    def database(self, system_id: str, connected: bool) -> None:
        """The hypervisor's database has connected here, or has gone."""
        ...

    def controllers(self) -> Sequence[str]:
        """The OpenFlow targets of all members, the same at every member (`tcp:192.0.2.1:6653`)."""
        ...

    def managers(self) -> Sequence[str]:
        """The OVSDB targets of all members."""
        ...

    def listen(self, moved: Callable[[], None]) -> None:
        """`moved` is called when any answer may have changed; it must not wait."""
        ...

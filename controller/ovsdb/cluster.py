"""Cluster as the OVSDB side sees it: controllers and managers to be set, and who may write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol


class ClusterTargets(Protocol):
    def owns(self, system_id: str) -> bool:
        """Whether this process maintains the hypervisor's configuration and reports its interfaces at the moment."""
        ...

    def database(self, system_id: str, connected: bool) -> None:
        """Record that the hypervisor's database has connected to this process, or disconnected."""
        ...

    def controllers(self) -> Sequence[str]:
        """OpenFlow targets of all members (`tcp:192.0.2.1:6653`), the same at every member."""
        ...

    def managers(self) -> Sequence[str]:
        """OVSDB targets of all members."""
        ...

    def listen(self, moved: Callable[[], None]) -> None:
        """Have `moved` called when any of these answers may have changed.  It must not wait."""
        ...

"""What the northbound is given: the store, and who knows the state of things."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from controller.intent.means import Means, means
from controller.model.kinds import Port
from controller.store.replica import Replica
from controller.store.store import Store


class Statuses(Protocol):
    def port(self, port: Port) -> tuple[str, str]:
        """(ACTIVE, BUILD, DOWN or ERROR; the reason, or "")."""
        ...

    def wait(self, revision: int, port_ids: Sequence[str], timeout: float) -> None:
        """Return when what was written at `revision` is in force, for these ports; or after `timeout` seconds.

        Without ports: when every switch has confirmed what followed from it.
        """
        ...


class Operators(Protocol):
    """What operators ask; all of it ready to be answered as JSON."""

    def switches(self) -> list[dict[str, Any]]: ...

    def forget(self, switch_id: str) -> None:
        """Remove a switch; raises `NotFound`, and `Conflict` while it is connected."""
        ...

    def flows(self, switch_id: str) -> list[dict[str, Any]] | None: ...

    def health(self) -> tuple[bool, dict[str, Any]]: ...

    def metrics(self) -> bytes:
        """In Prometheus' text format."""
        ...


class ClusterOperators(Protocol):
    """What operators ask of the cluster."""

    def cluster(self) -> dict[str, Any]: ...

    def drain(self, member_id: str, draining: bool) -> dict[str, Any]:
        """Raises NotFound."""
        ...

    def forget(self, member_id: str) -> None:
        """Raises NotFound, Conflict."""
        ...

    def accept(self) -> None: ...


@dataclass(frozen=True)
class Context:
    store: Store
    replica: Replica
    statuses: Statuses
    operators: Operators
    underlay_mtu: int = 1500
    cluster: ClusterOperators | None = None
    means: Means = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "means", means(self.underlay_mtu))

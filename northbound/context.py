"""Parts that the northbound is given: the store, and what knows the state of things."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Protocol

from controller.config.physical_networks import NONE, PhysicalNetworks
from controller.intent.env import Means, means
from controller.model.names import Naming
from controller.model.rows import MeteringLabel, Port, Row
from controller.publish.feed import Events
from controller.reconcile.statuses import Statuses
from controller.runtime import hub
from controller.store.replica import Replica
from controller.store.store import Store

from .answer import SLICE
from .auth import Anybody, Identity
from .hosts import Hosts
from .policy import Open, Policy
from .streams import Streams

Changed = Sequence[tuple[Row | None, Row | None]]  # each row as it is, and as it would be; None: not there
Names = Callable[[Port, bytes], bytes | None]  # answers a DNS message of a port; None: it is none; waits
Leased = Callable[[], dict[str, Any]]  # DHCP leases that this member gave, ready to be answered as JSON
Preview = Callable[[Changed], list[dict[str, Any]]]  # per switch the flows that a change would add and remove


class FabricQueries(Protocol):
    """How switches are wired, what is attached where, what becomes of a frame; ready to be answered as JSON."""

    def links(self) -> list[dict[str, Any]]: ...

    def topology(self) -> dict[str, Any]: ...

    def trace(
        self, source: str, target: str, protocol: str = "icmp", port: str = "0", state: str = "new"
    ) -> dict[str, Any]: ...

    def unreachable(self) -> list[dict[str, Any]]: ...


class OperatorQueries(Protocol):
    """What operators ask; all of it ready to be answered as JSON."""

    @property
    def fabric(self) -> FabricQueries: ...

    def switches(self) -> list[dict[str, Any]]: ...

    def switch(self, switch_id: str) -> dict[str, Any] | None:
        """None for one that is not known."""
        ...

    def refused(self) -> list[dict[str, Any]]: ...

    def claims(self) -> dict[str, Any]: ...

    def forget(self, switch_id: str) -> None:
        """Remove a switch; raises `NotFound`, and `Conflict` while it is connected."""
        ...

    def flows(self, switch_id: str) -> list[dict[str, Any]] | None: ...

    def health(self) -> dict[str, Any]: ...

    def unready(self) -> str:
        """Why no requests should be sent here, or "" when they may."""
        ...

    def metrics(self) -> bytes:
        """In Prometheus' text format."""
        ...


class DropQueries(Protocol):
    """What filters dropped."""

    def of(self, port: Port) -> dict[str, Any]:
        """Of one port, ready to be answered as JSON."""
        ...


class MeteringQueries(Protocol):
    """What metering labels count."""

    def of(self, label: MeteringLabel) -> dict[str, Any]:
        """Of one label, ready to be answered as JSON."""
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


class GatewayOperators(Protocol):
    """What operators ask and say of the gateways of routers."""

    def gateways(self) -> dict[str, Any]: ...

    def rebalance(self) -> dict[str, Any]: ...

    def drain(self, switch_id: str, draining: bool) -> dict[str, Any]:
        """Raises NotFound."""
        ...

    def designate(self, switch_id: str, designated: bool) -> dict[str, Any]:
        """Raises NotFound."""
        ...


class MetadataOperators(Protocol):
    """What operators ask and say of the hosts of metadata servers."""

    def hosts(self) -> list[dict[str, Any]]: ...

    def name(self, switch_id: str) -> dict[str, Any]:
        """Raises NotFound."""
        ...

    def dismiss(self, switch_id: str) -> None:
        """Raises NotFound."""
        ...


class ExternalDnsQueries(Protocol):
    """What is published in external DNS."""

    def report(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Context:
    store: Store
    replica: Replica
    statuses: Statuses
    operators: OperatorQueries
    events: Events
    drops: DropQueries
    metering: MeteringQueries
    gateways: GatewayOperators
    metadata_hosts: MetadataOperators
    external_dns: ExternalDnsQueries
    underlay_mtu: int = 1500
    least_mtu: int = 1280
    physical: PhysicalNetworks = NONE
    policy: Policy = field(default_factory=Open)
    identity: Identity = field(default_factory=Anybody)
    limits: Mapping[str, int] = field(default_factory=dict)  # a project's quotas, where it has none of its own
    streams: Streams = field(default_factory=Streams)
    preview: Preview = lambda changes: []
    names: Names = lambda port, question: None
    leases: Leased = lambda: {"leases": [], "ending": {}, "declined": []}
    cluster: ClusterOperators | None = None
    offered: Sequence[str] = ()  # patterns of interfaces that tenants may attach by name
    quantum: bool = True  # v1.0 and v1.1 are served, too
    hosts: Hosts = field(default_factory=Hosts)
    naming: Naming = Naming()  # noqa: RUF009 - a value

    @cached_property
    def means(self) -> Means:
        turns = partial(hub.taking_turns, seconds=SLICE)
        return means(self.underlay_mtu, self.physical, self.offered, self.least_mtu, turns, self.naming)

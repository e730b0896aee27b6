"""Service hosts of metadata: what operators say of them, and which of them serve now.

Every member of a cluster looks; the one that speaks for the first host writes the row that flows are made from.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client.core import GaugeMetricFamily

from controller.gateways.candidates import unheard
from controller.intent import allocate
from controller.intent.env import means
from controller.model.model import Dependency, Model
from controller.model.rows import Interface, MetadataHost, MetadataService, Switch, WatchPort
from controller.model.rows.metadata import SERVICE
from controller.model.serving import service_port
from controller.runtime import hub
from controller.runtime.errors import NotFound, Refused, Unavailable
from controller.store.replica import Replica
from controller.store.store import Store
from controller.store.transaction import Transaction, transact

log = logging.getLogger("tenet.metadata")

LOOK = 1.0  # seconds between looks at which hosts are alive
REST = 0.2  # seconds between such looks when rows change again and again
SILENT = 5.0  # seconds without a connection after which a host does not serve
AGAIN = 1.0  # seconds until a change that the store did not take is tried again


class MetadataHosts:
    """`is_connected`: a switch has a connection to some member.  `speaks`: whether this process acts for a switch."""

    def __init__(
        self,
        store: Store,
        replica: Replica,
        is_connected: Callable[[str], bool],
        speaks: Callable[[str], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._replica = replica
        self._is_connected = is_connected
        self._speaks = speaks
        self._clock = clock
        self._heard: dict[str, float] = {}  # host -> when it was last seen connected, or first looked at, by `clock`
        self._news = hub.Signal()
        replica.listen(self._changed)

    def start(self) -> None:
        hub.keep(self._watch)

    def metrics(self) -> Iterable[GaugeMetricFamily]:
        service = self._replica.model.get(MetadataService, SERVICE)
        serving = len(service.hosts) if service else 0
        yield GaugeMetricFamily("tenet_metadata_hosts", "Hosts whose metadata server serves instances.", serving)

    # --- operators ---

    def hosts(self) -> list[dict[str, Any]]:
        """Hosts that operators have named, ready for JSON.  `why`: of one that does not serve."""
        model = self._replica.model
        return [self._shown(host_id, model) for host_id in sorted(model.rows(MetadataHost))]

    def name(self, switch_id: str) -> dict[str, Any]:
        """Let the metadata server of a switch serve.  Raises NotFound."""

        def rules(tx: Transaction) -> None:
            if tx.get(Switch, switch_id) is None:
                raise NotFound(f"Switch {switch_id[:64]} could not be found.", "SwitchNotFound")
            if tx.get(MetadataHost, switch_id) is None:
                tx.put(MetadataHost(id=switch_id))

        transact(self._store, self._replica, rules)
        return self._shown(switch_id, self._replica.model)

    def dismiss(self, switch_id: str) -> None:
        """Take that back.  Raises NotFound."""

        def rules(tx: Transaction) -> None:
            host = tx.get(MetadataHost, switch_id)
            if host is None:
                raise NotFound(f"Metadata host {switch_id[:64]} could not be found.", "MetadataHostNotFound")
            tx.delete(host)

        transact(self._store, self._replica, rules)

    def _shown(self, switch_id: str, model: Model) -> dict[str, Any]:
        switch, at = model.get(Switch, switch_id), service_port(model, switch_id)
        return {
            "switch": switch_id,
            "host": switch.host if switch else "",
            "interface": at.name if at else "",
            "serves": not (why := self._hindrance(switch_id, model)),
            "why": why,
        }

    # --- which of them serve ---

    def _changed(self, touched: set[Dependency]) -> None:
        if any(dependency[0] in _FOLLOWED for dependency in touched):
            self._news.set()

    def _watch(self) -> None:
        while True:
            try:
                self.turn()
            except (Refused, Unavailable) as error:
                log.warning("which metadata servers serve could not be stored: %s", error)
                hub.sleep(AGAIN)
            hub.sleep(REST)
            self._news.wait(LOOK)
            self._news.clear()

    def turn(self) -> None:
        """Look at the hosts, and write which of them serve, where that has changed."""
        model = self._replica.model
        named = sorted(model.rows(MetadataHost))
        self._listen_to(named)
        held = model.get(MetadataService, SERVICE)
        serving = tuple(host for host in named if not self._hindrance(host, model))
        if (held is None) == (not named) and (held is None or held.hosts == serving):
            return
        if named and not self._speaks(named[0]):
            return
        transact(self._store, self._replica, lambda tx: self._write(tx, bool(named), serving))
        log.info("metadata servers that serve: %s", ", ".join(serving) or "none")

    def _write(self, tx: Transaction, wanted: bool, serving: tuple[str, ...]) -> None:
        held = tx.get(MetadataService, SERVICE)
        if not wanted:
            if held is not None:
                tx.release(f"segment/{held.segment}")
                tx.delete(held)
            return
        segment = held.segment if held else allocate.free_segment(tx, means(), "metadata service")
        service = MetadataService(segment=segment, hosts=serving)
        if held is None:
            tx.reserve(f"segment/{segment}", service)
        if service != held:
            tx.put(service)

    def _listen_to(self, named: list[str]) -> None:
        now = self._clock()
        for switch_id in self._heard.keys() - set(named):
            del self._heard[switch_id]
        for switch_id in named:
            if self._is_connected(switch_id):
                self._heard[switch_id] = now
            else:
                self._heard.setdefault(switch_id, now)

    def _hindrance(self, switch_id: str, model: Model) -> str:
        """Why a host that was named does not serve; "": it does."""
        switch = model.get(Switch, switch_id)
        if switch is None:
            return "the switch is not known"
        if self._clock() - self._heard.get(switch_id, self._clock()) > SILENT:
            return "the switch is not connected"
        if service_port(model, switch_id) is None:
            return "no metadata server has its interface there: `tenet metadata` does not run"
        if unheard(model, switch_id, {port.switch_id for port in model.find(WatchPort, "far_switch_id", switch_id)
                                      if self._is_connected(port.switch_id)}):  # fmt: skip
            return "other switches do not hear it (BFD)"
        return ""


_FOLLOWED = (MetadataHost, MetadataService, Interface, Switch, WatchPort)

"""Operators' view: switches, the reason for each flow, health, metrics."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from controller.diagnose.readiness import Readiness
from controller.diagnose.switches import Inventory, moment
from controller.diagnose.topology import FabricReport
from controller.model.rows import NAMES, Port, Reach, Switch
from controller.reconcile.mtus import Mtus
from controller.reconcile.reconciler import Reconciler
from controller.reconcile.statuses import SwitchProgress
from controller.runtime import hub
from controller.runtime.errors import Conflict
from controller.runtime.held import HubWatch
from controller.store.replica import Replica
from controller.switches.board import Switchboard
from controller.switches.discovery.links import Links
from controller.switches.observer import Observer
from controller.switches.vifs import Vifs

MetricSource = Callable[[], Iterable[Any]]  # metric families, as prometheus_client collects them
SLICE = 0.005  # seconds of work before other green threads get a turn


class Operators:
    def __init__(
        self,
        replica: Replica,
        reconciler: Reconciler,
        switchboard: Switchboard,
        progress: SwitchProgress,
        observer: Observer,
        links: Links,
        inventory: Inventory,
        fabric: FabricReport,
        readiness: Readiness,
        mtus: Mtus,
        vifs: Vifs,
        held: HubWatch,
        sources: Sequence[MetricSource] = (),
        databases: Collection[str] = (),
    ) -> None:
        self.fabric = fabric
        self._inventory = inventory
        self._readiness = readiness
        self._mtus = mtus
        self._vifs = vifs
        self._held = held
        self._links = links
        self._replica = replica
        self._reconciler = reconciler
        self._switchboard = switchboard
        self._progress = progress
        self._observer = observer
        self._sources = sources  # parts that collect their own metrics
        self._databases = databases  # system-ids of the hypervisors that are connected
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def switches(self) -> list[dict[str, Any]]:
        return self._inventory.switches()

    def switch(self, switch_id: str) -> dict[str, Any] | None:
        return self._inventory.switch(switch_id)

    def flows(self, switch_id: str) -> list[dict[str, Any]] | None:
        return self._inventory.flows(switch_id)

    def forget(self, switch_id: str) -> None:
        """Remove a switch for good.  Raises `NotFound`, and `Conflict` while it is connected."""
        reached = any(switch_id in reach.switches for reach in self._replica.model.rows(Reach).values())
        # a switch removed while its database is connected would stay unknown until that changes
        if reached or switch_id in self._reconciler.programmers or switch_id in self._databases:
            raise Conflict(
                f"Switch {switch_id} is connected: remove its manager and its controller first.", "SwitchInUse"
            )
        self._observer.forget(switch_id)

    def refused(self) -> list[dict[str, Any]]:
        """Refused connections, the latest last."""
        return [
            {"at": moment(when), "address": address, "why": why} for when, address, why in self._switchboard.refusals
        ]

    def claims(self) -> dict[str, Any]:
        """Contested VIFs, and refused claims of hypervisors."""
        switches = sorted(self._replica.model.rows(Switch).items())
        refused = [{"switch": each, "why": why} for each, switch in switches for why in switch.refused]
        return {"vifs": self._vifs.contested(), "refused": refused}

    def unready(self) -> str:
        return self._readiness.why_not()

    def health(self) -> dict[str, Any]:
        model = self._replica.model
        return {
            "status": "ok",
            "revision": model.revision,
            "compiled": self._progress.compiled,
            "switches": len(model.rows(Switch)),
            "connected": sum(1 for each in model.rows(Switch) if self._inventory.connected(each)),
            "never_filtered": model.count(Port, "never_filtered", True),
        }

    def metrics(self) -> bytes:
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Any]:
        """Metrics of a scrape (prometheus_client's collector protocol), with turns for others between families."""
        return hub.taking_turns(self._metrics(), SLICE)

    def _metrics(self) -> Iterator[Any]:
        model, reconciler = self._replica.model, self._reconciler
        programmers = reconciler.programmers
        gauge, counter = GaugeMetricFamily, CounterMetricFamily
        rows = gauge("tenet_objects", "Rows of the model by kind.", labels=["kind"])
        for kind, name in NAMES.items():
            rows.add_metric([name], len(model.rows(kind)))
        installed = gauge("tenet_flows_installed", "Flows that a switch has confirmed.", labels=["switch"])
        wanted = gauge("tenet_flows_wanted", "Flows that a switch is to hold.", labels=["switch"])
        refused = gauge("tenet_flows_refused", "Flows that a switch would not take.", labels=["switch"])
        repaired = counter("tenet_flows_repaired", "Flows found not right, and put right.", labels=["switch"])
        foreign = counter("tenet_foreign_flow_changes", "Changes of flows by others that a switch told of.",
                          labels=["switch"])  # fmt: skip
        unlimited = gauge("tenet_ports_unlimited", "Ports whose broadcast the switch does not limit.",
                          labels=["switch"])  # fmt: skip
        for switch_id, programmer in hub.taking_turns(sorted(programmers.items()), SLICE):
            unlimited.add_metric([switch_id], len(programmer.target.lacking))
            installed.add_metric([switch_id], len(programmer.target.installed))
            wanted.add_metric([switch_id], reconciler.compiler.count(switch_id))
            refused.add_metric([switch_id], len(programmer.target.refused))
            repaired.add_metric([switch_id], programmer.repaired)
            foreign.add_metric([switch_id], programmer.foreign.count)
        restarts = counter("tenet_loop_restarts", "Background loops that failed and were begun anew.", labels=["loop"])
        for name, count in sorted(hub.restarts.items()):
            restarts.add_metric([name], count)
        frames = counter("tenet_lldp_frames", "Frames of discovery by what became of them.", labels=["what"])
        for what, count in sorted(self._links.seen.items()):
            frames.add_metric([what.lower()], count)
        yield from [
            frames, restarts,
            counter("tenet_connections_refused", "Connections that did not come to be a switch's.",
                    value=self._switchboard.refused_count),
            counter("tenet_duplicate_datapaths", "Connections refused because a live switch has their datapath id.",
                    value=self._switchboard.duplicates),
            gauge("tenet_vifs_contested", "Ports whose VIF is on several switches.", value=self._vifs.count),
            counter("tenet_vif_moves", "VIFs that went from one switch to another while both had them.",
                    value=self._vifs.moves),
            gauge("tenet_claims_refused", "Host names and tunnel addresses that switches claim and do not get.",
                  value=sum(len(switch.refused) for switch in model.rows(Switch).values())),
            rows, installed, wanted, refused, repaired, foreign, unlimited,
            gauge("tenet_networks_narrowed", "Networks with a smaller MTU than they were made with.",
                  value=len(self._mtus.lowered())),
            gauge("tenet_store_revision", "Revision of the store as this process knows it.", value=model.revision),
            gauge("tenet_compiled_revision", "Revision that flows were last computed for.",
                  value=self._progress.compiled),
            gauge("tenet_switches_connected", "Switches with an OpenFlow connection here.", value=len(programmers)),
            counter("tenet_flow_messages", "Flow messages sent to switches.", value=self._switchboard.flow_messages),
            counter("tenet_units_computed", "Units (object and place) computed.", value=reconciler.compiler.computed),
            gauge("tenet_units_failed", "Units whose flows cannot be computed: a fault of the controller.",
                  value=len(reconciler.compiler.failed)),
            counter("tenet_addresses_learned", "Source addresses learned.", value=self._observer.learned),
            counter("tenet_packet_ins_dropped", "Packet-ins dropped for want of time.", value=self._observer.dropped),
            HistogramMetricFamily("tenet_hub_held_seconds", "How long one green thread kept all others waiting.",
                                  buckets=self._held.cumulative(), sum_value=self._held.total),
            gauge("tenet_hub_held_longest_seconds", "The longest of these since the process was ready.",
                  value=self._held.longest),
            *chain.from_iterable(metrics() for metrics in self._sources),
        ]  # fmt: skip

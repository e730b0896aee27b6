"""What operators may look at: switches, why each flow is there, health, metrics."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from controller.errors import Conflict
from controller.fabric import Fabric
from controller.model.kinds import NAMES, Reach, Switch
from controller.observe.links import Links
from controller.observe.observer import Observer
from controller.reconcile.reconciler import Reconciler
from controller.reconcile.statuses import Levels
from controller.store.replica import Replica
from controller.switchboard import Switchboard


def _moment(seconds: float) -> str | None:
    """Unix time as ISO 8601, UTC; None for never."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)) if seconds else None


class Operators:
    def __init__(
        self,
        replica: Replica,
        reconciler: Reconciler,
        switchboard: Switchboard,
        progress: Levels,
        observer: Observer,
        links: Links,
        fabric: Fabric,
    ) -> None:
        self.fabric = fabric
        self._links = links
        self._replica = replica
        self._reconciler = reconciler
        self._switchboard = switchboard
        self._progress = progress
        self._observer = observer
        self.more: Callable[[], Iterable[Any]] = lambda: ()  # metrics of a cluster
        self.databases: Callable[[], Iterable[str]] = lambda: ()  # system-ids of the hypervisors that are connected
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def switches(self) -> list[dict[str, Any]]:
        """Every switch that is known, connected or not."""
        return [self._switch(switch) for _, switch in sorted(self._replica.model.rows(Switch).items())]

    def _switch(self, switch: Switch) -> dict[str, Any]:
        programmer = self._reconciler.programmers.get(switch.id)
        compiled = ("switch", switch.id) in self._reconciler.compiler.sheets
        return {
            "id": switch.id,
            "host": switch.host,
            "dpid": f"{switch.dpid:016x}",
            "number": switch.number,
            "encap": {"ip": switch.encap_ip, "types": [tunnel.type for tunnel in switch.tunnels]},
            "connected": programmer is not None,
            "connected_since": _moment(programmer.session.connected_since) if programmer else None,
            "address": programmer.session.address if programmer else None,
            "flows_wanted": self._reconciler.compiler.count(switch.id) if compiled else 0,
            "flows_installed": len(programmer.target.installed) if programmer else None,
            "flows_refused": len(programmer.target.refused) if programmer else None,
            "last_applied": _moment(programmer.last_applied) if programmer else None,
            "revision": self._progress.at(switch.id),
        }

    def forget(self, switch_id: str) -> None:
        """Remove a switch that is gone for good; raises `NotFound`, and `Conflict` while it is connected."""
        reached = any(switch_id in reach.switches for reach in self._replica.model.rows(Reach).values())
        # who is forgotten while its database is connected would not be told of again until that changes
        if reached or switch_id in self._reconciler.programmers or switch_id in self.databases():
            raise Conflict(
                f"Switch {switch_id} is connected: remove its manager and its controller first.", "SwitchInUse"
            )
        self._observer.forget(switch_id)

    def flows(self, switch_id: str) -> list[dict[str, Any]] | None:
        """Every flow that a switch is to hold, why, and whether it does; None for an unknown switch."""
        if self._replica.model.get(Switch, switch_id) is None:
            return None
        if ("switch", switch_id) not in self._reconciler.compiler.sheets:
            return []
        programmer = self._reconciler.programmers.get(switch_id)
        installed = programmer.target.installed if programmer else set()
        refused = programmer.target.refused if programmer else {}
        explained = self._reconciler.compiler.explained(switch_id)
        flows = [
            {
                "flow": str(flow),
                "table": flow.table.name,
                "cookie": f"{flow.cookie:#018x}",
                "objects": objects,
                "installed": flow.cookie in installed,
                **({"refused": refused[flow.cookie]} if flow.cookie in refused else {}),
                "order": (flow.table.number, -flow.priority, flow.key),
            }
            for flow, objects in explained
        ]
        flows.sort(key=lambda flow: flow.pop("order"))  # type: ignore[arg-type, return-value]
        return flows

    def refused(self) -> list[dict[str, Any]]:
        """Connections that did not come to be a switch's, the latest last."""
        return [
            {"at": _moment(when), "address": address, "why": why} for when, address, why in self._switchboard.refusals
        ]

    def health(self) -> tuple[bool, dict[str, Any]]:
        model = self._replica.model
        return True, {
            "status": "ok",
            "revision": model.revision,
            "compiled": self._progress.compiled,
            "switches": len(model.rows(Switch)),
            "connected": len(self._reconciler.programmers),
        }

    def metrics(self) -> bytes:
        return generate_latest(self._registry)

    def collect(self) -> list[Any]:
        """Read at every scrape; nothing is counted twice (prometheus_client's collector protocol)."""
        model, reconciler = self._replica.model, self._reconciler
        programmers = reconciler.programmers
        gauge, counter = GaugeMetricFamily, CounterMetricFamily
        rows = gauge("tenet_objects", "Rows of the model by kind.", labels=["kind"])
        for kind, name in NAMES.items():
            rows.add_metric([name], len(model.rows(kind)))
        installed = gauge("tenet_flows_installed", "Flows that a switch has confirmed.", labels=["switch"])
        wanted = gauge("tenet_flows_wanted", "Flows that a switch is to hold.", labels=["switch"])
        refused = gauge("tenet_flows_refused", "Flows that a switch would not take.", labels=["switch"])
        repaired = counter("tenet_flows_repaired", "Flows that audits found not right.", labels=["switch"])
        for switch_id, programmer in sorted(programmers.items()):
            installed.add_metric([switch_id], len(programmer.target.installed))
            wanted.add_metric([switch_id], reconciler.compiler.count(switch_id))
            refused.add_metric([switch_id], len(programmer.target.refused))
            repaired.add_metric([switch_id], programmer.repaired)
        frames = counter("tenet_lldp_frames", "Frames of discovery by what became of them.", labels=["what"])
        for what, count in sorted(self._links.seen.items()):
            frames.add_metric([what.lower()], count)
        return [
            frames,
            counter("tenet_connections_refused", "Connections that did not come to be a switch's.",
                    value=self._switchboard.refused_count),
            counter("tenet_duplicate_datapaths", "Connections refused because a live switch has their datapath id.",
                    value=self._switchboard.duplicates),
            rows, installed, wanted, refused, repaired,
            gauge("tenet_store_revision", "Revision of the store as this process knows it.", value=model.revision),
            gauge("tenet_compiled_revision", "Revision that flows were last computed for.",
                  value=self._progress.compiled),
            gauge("tenet_switches_connected", "Switches with an OpenFlow connection here.", value=len(programmers)),
            counter("tenet_flow_messages", "Flow messages sent to switches.", value=self._switchboard.flow_messages),
            counter("tenet_units_computed", "Units (object and place) computed.", value=reconciler.compiler.computed),
            counter("tenet_addresses_learned", "Source addresses learned.", value=self._observer.learned),
            counter("tenet_packet_ins_dropped", "Packet-ins dropped for want of time.", value=self._observer.dropped),
            *self.more(),
        ]  # fmt: skip

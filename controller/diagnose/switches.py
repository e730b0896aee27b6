"""Switches as operators see them, with their flows, at whichever member they ask.

What only the master knows (its connection, what was installed flow by flow) is told by the master; what follows from
the model and from how far the switch is, by every member.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from operator import itemgetter
from typing import Any

from controller.compile.compiler import Compiler
from controller.compile.on_demand import OnDemand
from controller.flow import Flow
from controller.model.rows import Switch
from controller.reconcile.programmer import Programmer
from controller.reconcile.reconciler import Reconciler
from controller.reconcile.statuses import SwitchProgress
from controller.runtime import hub
from controller.store.replica import Replica
from controller.switches.tracker_room import TrackerRoom

SLICE = 0.005  # seconds of work before other green threads get a turn


def moment(seconds: float) -> str | None:
    """Unix time as ISO 8601, UTC; None for never."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)) if seconds else None


class Inventory:
    def __init__(
        self,
        replica: Replica,
        reconciler: Reconciler,
        on_demand: OnDemand,
        levels: SwitchProgress,
        room: TrackerRoom,
        broadcast_rate: int = 0,
    ) -> None:
        self._model = replica.model
        self._reconciler = reconciler
        self._levels = levels
        self._room = room
        self._on_demand = on_demand
        self._broadcast_rate = broadcast_rate  # of a port, packets a second; 0 for no limit

    def switches(self) -> list[dict[str, Any]]:
        """All known switches; of those that another member masters, without what has to be computed."""
        return [self._shown(switch) for switch in hub.taking_turns(self._model.snapshot(Switch), SLICE)]

    def switch(self, switch_id: str) -> dict[str, Any] | None:
        """One switch with its numbers of flows; None if unknown."""
        switch = self._model.get(Switch, switch_id)
        if switch is None:
            return None
        shown = self._shown(switch)
        if shown["flows_wanted"] is None:
            wanted = self._compiler(switch_id).count(switch_id)
            known = self.in_step(switch_id) and not self._levels.refuses
            shown |= {"flows_wanted": wanted, "flows_installed": wanted if known else None}
        return shown

    def _shown(self, switch: Switch) -> dict[str, Any]:
        programmer = self._programmer(switch.id)
        compiled = self._reconciler.compiler.includes(switch.id)
        return {
            "id": switch.id,
            "host": switch.host,
            "dpid": f"{switch.dpid:016x}",
            "number": switch.number,
            "encap": {"ip": switch.encap_ip, "types": [tunnel.type for tunnel in switch.tunnels]},
            "master": self._levels.holder(switch.id) or None,
            "connected": self.connected(switch.id),
            "connected_since": moment(programmer.session.connected_since) if programmer else None,
            "address": programmer.session.address if programmer else None,
            "in_step": self.in_step(switch.id),
            "flows_wanted": self._reconciler.compiler.count(switch.id) if compiled else None,
            "flows_installed": len(programmer.target.installed) if programmer else None,
            "flows_refused": len(programmer.target.refused) if programmer else None,
            "broadcast_rate": self._broadcast_rate or None,
            "unlimited": self.unlimited(switch.id),
            "connections_full": self.connections_full(switch.id),
            "refused": list(switch.refused),
            "last_applied": moment(programmer.last_applied) if programmer else None,
            "revision": self._levels.at(switch.id),
        }

    def connected(self, switch_id: str) -> bool:
        """Whether some member masters it."""
        return self._programmer(switch_id) is not None or bool(self._levels.holder(switch_id))

    def unlimited(self, switch_id: str) -> str:
        """Ports without a meter and the reason, as far as known here; "" if there are none."""
        programmer = self._programmer(switch_id)
        return programmer.target.unlimited if programmer else ""

    def programmed(self, switch_id: str) -> bool:
        """Whether this member programs it."""
        return self._programmer(switch_id) is not None

    def master(self, switch_id: str) -> str | None:
        """The member that masters it; None outside of a cluster, or where nobody does."""
        return self._levels.holder(switch_id) or None

    def connections_full(self, switch_id: str) -> bool | None:
        """Whether its connection table has no room for new ones; None where another member masters it."""
        return self._room.is_full(switch_id) if self._programmer(switch_id) is not None else None

    def in_step(self, switch_id: str) -> bool:
        """Whether it is connected and has confirmed every flow."""
        programmer = self._programmer(switch_id)
        if programmer is not None:
            return programmer.synchronised and programmer.target.right and not programmer.target.refused
        return self.connected(switch_id) and self._levels.at(switch_id) >= self._model.content

    def wanted(self, switch_id: str) -> list[Flow]:
        """Intended flows of a switch."""
        return list(self._compiler(switch_id).wanted(switch_id))

    def origins(self, switch_id: str, flow: Flow) -> list[str]:
        """The keys of the objects that an intended flow is because of."""
        return self._compiler(switch_id).origins(switch_id, [flow.cookie]).get(flow.cookie, [])

    def flows(self, switch_id: str) -> list[dict[str, Any]] | None:
        """Intended flows of a switch, with the objects they are for and whether they are installed; None if unknown.

        The flows are a snapshot; `installed` is read for each flow in turn.
        """
        if self._model.get(Switch, switch_id) is None:
            return None
        explained = self._compiler(switch_id).explained(switch_id)
        programmer = self._programmer(switch_id)
        refused = programmer.target.refused if programmer else {}
        shown = [
            {
                "flow": str(flow),
                "table": flow.table.name,
                "cookie": f"{flow.cookie:#018x}",
                "objects": objects,
                "installed": self.installed(switch_id, flow, objects),
                **({"refused": refused[flow.cookie]} if flow.cookie in refused else {}),
                "order": (flow.table.number, -flow.priority, flow.key),
            }
            for flow, objects in hub.taking_turns(explained, SLICE)
        ]
        ordered = hub.sorted_in_turns(shown, itemgetter("order"), SLICE)
        for flow in ordered:
            del flow["order"]
        return ordered

    def installed(self, switch_id: str, flow: Flow, objects: Iterable[str] | None = None) -> bool | None:
        """Whether a switch holds an intended flow; None where this member cannot know.

        `objects`: the keys of those the flow is for, or None.
        """
        programmer = self._programmer(switch_id)
        if programmer is not None:
            return flow.cookie in programmer.target.installed
        refusing = any(map(self._levels.refusal, objects)) if objects is not None else self._levels.refuses
        return True if self.in_step(switch_id) and not refusing else None

    def _programmer(self, switch_id: str) -> Programmer | None:
        return self._reconciler.programmers.get(switch_id)

    def _compiler(self, switch_id: str) -> Compiler:
        mine = self._reconciler.compiler
        return mine if mine.includes(switch_id) else self._on_demand.compiled(switch_id)

"""Dry run of a change: the flows that each switch would gain and lose."""

from __future__ import annotations

from typing import Any

from controller.model.model import Model
from controller.model.overlay import Changed
from controller.model.rows import Switch

from .flow_set import FlowChange
from .on_demand import OnDemand


class Preview:
    def __init__(self, model: Model, on_demand: OnDemand) -> None:
        self._model = model
        self._on_demand = on_demand

    def switches(self, changes: Changed) -> list[dict[str, Any]]:
        """Flows that would be added and removed, by switch; switches without any are left out."""
        foreseen = self._on_demand.foreseen(changes).changes
        found = [self._shown(switch_id, foreseen[switch_id]) for switch_id in sorted(foreseen)]
        return [each for each in found if each["added"] or each["removed"]]

    def _shown(self, switch_id: str, changes: list[FlowChange]) -> dict[str, Any]:
        """Flows that are replaced are removed and added: their text says what differs."""
        switch = self._model.get(Switch, switch_id)
        before = {change.old for change in changes if change.old is not None}
        after = {change.new for change in changes if change.new is not None}
        return {
            "switch_id": switch_id,
            "host": switch.host if switch is not None else "",
            "added": sorted(map(str, after - before)),
            "removed": sorted(map(str, before - after)),
        }

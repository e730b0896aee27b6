"""What operators ask and say of gateways: which switch has how many routers, drain, designation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from controller.gateways.candidates import gateway_hosts
from controller.gateways.rebalancing import rebalance
from controller.intent.networks import ZONE
from controller.model.rows import GatewayHost, GatewayRanking, Network, Router, Switch, WatchPort
from controller.runtime import hub
from controller.runtime.errors import NotFound
from controller.store.replica import Replica
from controller.store.store import Store
from controller.store.transaction import Transaction, transact

TURN = 0.005  # seconds of work before other green threads get a turn


class GatewayOperations:
    """`is_away`: a switch has been away for long."""

    def __init__(self, store: Store, replica: Replica, is_away: Callable[[str], bool]) -> None:
        self._store = store
        self._replica = replica
        self._is_away = is_away

    def gateways(self) -> dict[str, Any]:
        """Switches that are or may be gateways, and routers that want one and have none; ready for JSON."""
        model = self._replica.model
        now = gateway_hosts(model, self._is_away)
        active: Counter[str] = Counter()
        standby: Counter[str] = Counter()
        leaving: Counter[str] = Counter()
        for ranking in hub.taking_turns(list(model.rows(GatewayRanking).values()), TURN):
            active[ranking.switches[0]] += 1
            standby.update(ranking.switches[1:])
            leaving.update((ranking.leaving,))
        known = {each for having in now.of.values() for each in having} | now.designated | now.draining
        shown = []
        for switch_id in hub.taking_turns(sorted(known | active.keys() | standby.keys()), TURN):
            switch = model.get(Switch, switch_id)
            unheard = [port.switch_id for port in model.find(WatchPort, "far_switch_id", switch_id) if not port.up]
            shown.append({
                "switch": switch_id,
                "host": switch.host if switch else "",
                "physical_networks": [physical.network for physical in switch.physical] if switch else [],
                "designated": switch_id in now.designated,
                "draining": switch_id in now.draining,
                "alive": switch_id in now.alive,
                "not_heard_by": sorted(unheard),
                "availability_zone": (switch.zone if switch else "") or ZONE,
                "no_link": list(switch.cut_off) if switch else [],
                "routers_active": active[switch_id],
                "routers_standby": standby[switch_id],
                "routers_leaving": leaving[switch_id],
            })  # fmt: skip
        without = [
            {"router": router.id, "why": self._why(router)}
            for router in hub.taking_turns(list(model.rows(Router).values()), TURN)
            if router.gateways and model.get(GatewayRanking, router.id) is None
        ]
        return {"gateways": shown, "routers_without": sorted(without, key=lambda one: one["router"])}

    def _why(self, router: Router) -> str:
        model = self._replica.model
        for network_id in router.external_networks:
            network = model.get(Network, network_id)
            if network is not None and not network.physical_network:
                return f"network {network_id} is tunnelled, and no host is designated as a gateway"
            if network is not None:
                return f"no host has a bridge of physical network {network.physical_network}"
        return "its gateway is being chosen"

    def drain(self, switch_id: str, draining: bool) -> dict[str, Any]:
        """Have a switch be no gateway where another can be, or end that.  Raises NotFound."""
        return self._say(switch_id, draining=draining)

    def designate(self, switch_id: str, designated: bool) -> dict[str, Any]:
        """Raises NotFound."""
        return self._say(switch_id, designated=designated)

    def rebalance(self) -> dict[str, Any]:
        """Begin to move some routers to the gateways that would be drawn for them; see `rebalancing`."""
        return rebalance(self._store, self._replica, self._is_away)

    def _say(self, switch_id: str, **said: bool) -> dict[str, Any]:
        def rules(tx: Transaction) -> None:
            if tx.get(Switch, switch_id) is None:
                raise NotFound(f"Switch {switch_id[:64]} could not be found.", "SwitchNotFound")
            held = tx.get(GatewayHost, switch_id)
            wanted = replace(held or GatewayHost(id=switch_id), **said)
            if wanted != (held or GatewayHost(id=switch_id)):
                tx.put(wanted)

        transact(self._store, self._replica, rules)
        return next((one for one in self.gateways()["gateways"] if one["switch"] == switch_id), {"switch": switch_id})

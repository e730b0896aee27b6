"""Status of a port: a pure function of the model and of how far the switches are."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import Protocol

from controller.model.model import Model
from controller.model.routing import router_of
from controller.model.rows import FloatingIp, GatewayRanking, Network, Port, Router, SecurityGroupRule

from .mtus import Mtus
from .reach import ReachMemo, cut_off

ACTIVE, BUILD, DOWN, ERROR = "ACTIVE", "BUILD", "DOWN", "ERROR"
NOT_APPLICABLE = "N/A"  # of the port of a floating IP, whose status says it


class SwitchProgress(Protocol):
    """Progress of switches: `Progress` covers those of this process, the cluster's implementation all."""

    @property
    def compiled(self) -> int: ...

    def at(self, switch_id: str) -> int: ...

    def is_connected(self, switch_id: str) -> bool: ...

    def holder(self, switch_id: str) -> str:
        """Member that is the switch's master; "" without one, or without a cluster."""
        ...

    def is_away(self, switch_id: str) -> bool: ...

    def reached(self, revision: int) -> bool: ...

    def refusal(self, key: str) -> str: ...

    def doubt(self, switch_id: str) -> str:
        """Reason why the switch's refusals are unknown here, or ""."""
        ...

    @property
    def refuses(self) -> bool:
        """Whether any switch refuses anything."""
        ...

    def lagging(self, revision: int, concerned: Collection[str]) -> str:
        """One of the `concerned` switches that has not confirmed `revision` and is not away, or ""."""
        ...

    def wait(self, timeout: float, switch_id: str = "") -> None: ...


class Statuses:
    def __init__(self, model: Model, progress: SwitchProgress, mtus: Mtus | None = None) -> None:
        self.mtu = (mtus or Mtus(model)).of  # of a network, and a word on it
        self._model = model
        self._progress = progress
        self._reach = ReachMemo(model)

    def port(self, port: Port) -> tuple[str, str]:
        """Status of a port, and its reason or "".

        DOWN: switched off, or no interface is plugged in, or the fabric leads to no other port of its network.  ERROR:
        a switch refused a flow of it, or its flows cannot be computed.  BUILD: a switch that needs a flow of it has not
        confirmed it; one that is away for long counts only for the ports on it.  Else ACTIVE, with a reason where the
        fabric does not join all that it should.  Ports of routers: see `_of_router`; those of floating IPs have none.
        """
        model, progress = self._model, self._progress
        if port.id not in model.placement.bindings and model.find(FloatingIp, "floating_port_id", port.id):
            return NOT_APPLICABLE, "it is the address of a floating IP"
        if not port.admin_state_up:
            return DOWN, "its admin state is down"
        network = model.get(Network, port.network_id)
        if network is not None and not network.admin_state_up:
            return DOWN, "its network's admin state is down"
        interface = model.placement.bindings.get(port.id)
        if interface is None:  # of a router's port, too, whatever a hypervisor claims
            if (router := router_of(model, port)) is not None:
                return self._of_router(port, router)
            return DOWN, "no interface is plugged in" if port.vif else "nothing is attached"
        if progress.refuses and (refusal := self._refusal(port)):
            return ERROR, refusal
        if doubt := progress.doubt(interface.switch_id):
            return BUILD, doubt
        revision = self._revision(port)
        if revision > progress.compiled:
            return BUILD, "its flows are being computed"
        if progress.at(interface.switch_id) < revision:
            return BUILD, f"switch {interface.switch_id} has not confirmed its flows"
        if lagging := progress.lagging(revision, model.placement.held.some(("network", port.network_id))):
            return BUILD, f"switch {lagging} has not confirmed its flows"
        if network is None or not (lost := self._reach.unreached(interface.switch_id, network)):
            return ACTIVE, ""
        return (DOWN if cut_off(model, interface.switch_id, network) else ACTIVE), lost

    def _of_router(self, port: Port, router: Router) -> tuple[str, str]:
        """Status of a port of a router, which no interface is plugged into: it is wherever the router's flows are.

        ACTIVE once every switch that holds its network or its router has confirmed it.
        """
        model, progress = self._model, self._progress
        if not router.admin_state_up:
            return DOWN, "its router's admin state is down"
        if progress.refuses and (refusal := self._refusal(port) or progress.refusal(router.key)):
            return ERROR, refusal
        revision = max(self._revision(port), model.revisions.get(f"router_interface/{port.id}", 0))
        if revision > progress.compiled:
            return BUILD, "its flows are being computed"
        for node in (("router", router.id), ("network", port.network_id)):
            if lagging := progress.lagging(revision, model.placement.held.some(node)):
                return BUILD, f"switch {lagging} has not confirmed its flows"
        return ACTIVE, ""

    def _refusal(self, port: Port) -> str:
        """Reason why flows of the port are missing, or of its security groups, or of the address sets they name."""
        keys = [port.key, f"network/{port.network_id}"]
        for group_id in port.security_groups or () if port.filtered else ():
            keys.append(f"security_group/{group_id}")
            for rule in self._model.find(SecurityGroupRule, "security_group_id", group_id):
                keys.append(rule.key)
                if rule.remote_group_id:
                    keys.append(f"security_group/{rule.remote_group_id}")
                elif rule.remote_address_group_id:
                    keys.append(f"address_group/{rule.remote_address_group_id}")
        return next(filter(None, map(self._progress.refusal, keys)), "")

    def floating(self, floating: FloatingIp) -> str:
        """Status of a floating IP.

        DOWN: no router uses it, or the router's admin state is down; or no switch translates it (yet).  ERROR: a switch
        refused a flow of it.
        """
        router = self._model.get(Router, floating.router_id) if floating.router_id else None
        if router is None or not router.admin_state_up:
            return DOWN
        if any(map(self._progress.refusal, (floating.key, router.key))):
            return ERROR
        return ACTIVE if self._is_translated(floating) else DOWN

    def _is_translated(self, floating: FloatingIp) -> bool:
        """Whether the switch that translates it, that of its port or the router's gateway, has confirmed that."""
        model, progress = self._model, self._progress
        revision = max(model.revisions.get(floating.key, 0), model.placed.get(floating.port_id, 0))
        place = model.placement.floating.get(floating.id)
        if place is not None:
            switch_id = place[0]
        else:
            ranking = model.get(GatewayRanking, floating.router_id)
            if ranking is None or not ranking.switches:
                return False
            switch_id = ranking.switches[0] if ranking.used else ranking.leaving
            if not ranking.leaving:  # while it moves, one of the two translates always
                revision = max(revision, model.revisions.get(ranking.key, 0))
        return revision <= progress.compiled and progress.at(switch_id) >= revision

    def alive(self, switch_id: str) -> bool:
        """Whether the switch is connected."""
        return self._progress.is_connected(switch_id)

    def wait(self, revision: int, port_ids: Sequence[str], timeout: float) -> None:
        """Return when what was written at `revision` is in force, or after `timeout` seconds.

        For ports that are to be up: when none is BUILD any more.  Where flows were to go (nothing is plugged in any
        more, the port or its network was deleted or switched off): when every switch has confirmed the revision.
        """
        deadline = time.monotonic() + timeout
        waiting = list(port_ids)
        while not self._in_force(revision, waiting):
            left = deadline - time.monotonic()
            if left <= 0:
                return
            # a switch comes to count as away by time alone
            self._progress.wait(min(left, 1.0), self._awaited(waiting))

    def _in_force(self, revision: int, port_ids: list[str]) -> bool:
        """Puts a port that is BUILD first, which is then looked at first: the others need not be while it is."""
        down = False
        for at, port_id in enumerate(port_ids):
            state = self._state(port_id)
            if state == BUILD:
                port_ids[0], port_ids[at] = port_id, port_ids[0]
                return False
            down = down or state == DOWN
        return (bool(port_ids) and not down) or self._progress.reached(revision)

    def _awaited(self, port_ids: list[str]) -> str:
        """A switch without whose word nothing is in force; "" where it may be any."""
        port = self._model.get(Port, port_ids[0]) if port_ids else None
        if port is None or self._state(port.id) != BUILD:
            return ""
        concerned = self._model.placement.held.some(("network", port.network_id))
        return self._progress.lagging(self._revision(port), concerned)

    def _state(self, port_id: str) -> str:
        port = self._model.get(Port, port_id)
        return DOWN if port is None else self.port(port)[0]

    def _revision(self, port: Port) -> int:
        """The revision that its flows follow from."""
        return max(self._model.revisions.get(port.key, 0), self._model.placed.get(port.id, 0))

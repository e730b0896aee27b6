"""Rebalancing of gateways: routers go back to the hosts that would be drawn for them, a few at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from controller.gateways.candidates import GatewayHosts, candidates, gateway_hosts, usable
from controller.gateways.links import cut_off
from controller.gateways.ranking import MOST, by_weight
from controller.model.rows import GatewayRanking, Router
from controller.runtime import hub
from controller.store.replica import Replica
from controller.store.store import Store
from controller.store.transaction import Transaction, transact

TOGETHER = 20  # routers that move at a time: translated connections of each of them end
TURN = 0.005  # seconds of work before other green threads get a turn


class _Move(NamedTuple):
    router_id: str
    former: str
    to: str


def rebalance(store: Store, replica: Replica, is_away: Callable[[str], bool]) -> dict[str, Any]:
    """Begin moves of at most TOGETHER routers; which, and how many others are not where they would be drawn.

    None begins while others go on.  `is_away`: a switch has been away for long.
    """
    model = replica.model
    now = gateway_hosts(model, is_away, cut_off(model))
    moves: list[_Move] = []
    going = 0
    for held in hub.taking_turns(list(model.rows(GatewayRanking).values()), TURN):
        going += bool(held.leaving)
        router = model.get(Router, held.id)
        to = _drawn(router, held, replica, now) if router is not None else ""
        if to and to != held.switches[0]:
            moves.append(_Move(held.id, held.switches[0], to))
    begun = sorted(moves)[: max(0, TOGETHER - going)]
    transact(store, replica, lambda tx: _begin(tx, begun))
    shown = [{"router_id": move.router_id, "former": move.former, "switch": move.to} for move in begun]
    return {"moved": shown, "left": len(moves) - len(begun)}


def _drawn(router: Router, held: GatewayRanking, replica: Replica, now: GatewayHosts) -> str:
    """The switch that would be the gateway of a new router with this id; "" while its gateway moves, or without any."""
    if held.leaving or not held.switches:
        return ""
    fit = candidates(replica.model, router, now, ()) & usable(replica.model, router, now) - now.draining
    active = held.switches[0]
    heard = [each for each in fit if (each, active) not in now.severed and (active, each) not in now.severed]
    return next(iter(by_weight(router.id, heard)), "")


def _begin(tx: Transaction, moves: list[_Move]) -> None:
    for move in moves:
        held = tx.get(GatewayRanking, move.router_id)
        if held is not None and held.switches[:1] == (move.former,) and not held.leaving:
            others = tuple(each for each in held.switches if each != move.to)
            switches = (move.to, *others)[:MOST]
            tx.put(GatewayRanking(id=held.id, switches=switches, leaving=move.former, used=False, announced=False))

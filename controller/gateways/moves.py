"""Steps by which a router's gateway moves while the former one is alive, so that no packet is lost.

A switch takes its new flows at its own time.  So the next gateway is made ready first, and the former one stays so:
1. The next takes what comes to it.  All others send to the former still, which answers for the addresses; nobody
   announces them.
2. It has confirmed that, and nobody has announced them for QUIET seconds: the others send to it (`used`), and it
   answers for the addresses.
3. They have confirmed that: it announces the addresses (`announced`), so that what comes from outside follows.
4. What was on its way to the former has come: nothing is left of the move.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Protocol

from msgspec.structs import replace

from controller.model.model import Model
from controller.model.rows import GatewayRanking

QUIET = 11.0  # seconds after which Open vSwitch bridges outside learn at once where a MAC is (see GatewayMoves)
SETTLING = 5.0  # seconds after which a move goes on though some switch has not confirmed that it sends to the next one
LEAVING = 5.0  # seconds for which a former gateway that is alive takes what comes back to it


class Confirming(Protocol):
    """What switches have confirmed; `reconcile.statuses.SwitchProgress` has more."""

    @property
    def compiled(self) -> int: ...

    def lagging(self, revision: int, concerned: Collection[str]) -> str: ...


class GatewayMoves:
    """Moves that go on, as this process sees them: their time counts from when it first saw the step.

    A bridge between a gateway and its physical network learns from frames where the gateway's MAC is, but for 5 seconds
    after an ARP announcement from no other frame (Open vSwitch, MAC_GRAT_ARP_LOCK_TIME), and from frames that a cached
    flow forwards half a second late.  Flows are cached for 10 seconds after their last packet, which matters when a
    router moves back to where it was a moment ago.
    """

    def __init__(self, model: Model, confirmed: Confirming, clock: Callable[[], float] = time.monotonic) -> None:
        self._model = model
        self._confirmed = confirmed
        self._clock = clock
        self._since: dict[str, tuple[GatewayRanking, float]] = {}  # router -> ranking during its move, first seen when

    @property
    def going(self) -> list[str]:
        """Routers whose gateway moves."""
        return list(self._since)

    def note(self, router_id: str, held: GatewayRanking | None) -> None:
        """Note the ranking that a router has now."""
        if held is None or not held.leaving:
            self._since.pop(router_id, None)
        elif self._since.get(router_id, (None, 0.0))[0] != held:
            self._since[router_id] = held, self._clock()

    def is_ready(self, router_id: str) -> bool:
        """Whether a router's move can go on."""
        return router_id in self._since and self._is_done(self._since[router_id][0])

    def step(self, held: GatewayRanking | None, wanted: GatewayRanking, alive: Collection[str]) -> GatewayRanking:
        """The ranking `wanted`, with the step of the move to its active switch that comes now.

        `held`: what the router has.  There is no move from a switch that is dead: all others have turned already.
        """
        if held is None or not held.switches:
            return wanted
        active = wanted.switches[0]
        if held.switches[0] != active:  # one that is not used yet is no former gateway
            former = held.switches[0] if held.used or held.leaving not in alive else held.leaving
            move = replace(wanted, leaving=former, used=False, announced=False)
        else:
            move = replace(wanted, leaving=held.leaving, used=held.used, announced=held.announced)
            if held.leaving and self._is_done(held):
                move = _next(move)
        return move if move.leaving in alive and move.leaving != active else wanted

    def _is_done(self, held: GatewayRanking) -> bool:
        """Whether what a step of a move waits for has come."""
        seen, since = self._since.get(held.id, (held, self._clock()))
        waited = self._clock() - since if seen == held else 0.0
        if held.announced:
            return waited >= LEAVING
        if not held.used:
            return waited >= QUIET and self._has_confirmed(held, held.switches[:1])
        return waited >= SETTLING or self._has_confirmed(held, self._model.placement.held.some(("router", held.id)))

    def _has_confirmed(self, held: GatewayRanking, switch_ids: Collection[str]) -> bool:
        revision = self._model.revisions.get(held.key, 0)
        return self._confirmed.compiled >= revision and not self._confirmed.lagging(revision, switch_ids)


def _next(move: GatewayRanking) -> GatewayRanking:
    """The step after one."""
    if not move.used:
        return replace(move, used=True)
    return replace(move, announced=True) if not move.announced else replace(move, leaving="")

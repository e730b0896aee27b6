"""Ranking of the switches that may be a router's gateway; pure.

Rendezvous hashing (Thaler and Ravishankar, 1998) shares routers evenly among the switches, and the loss of one moves
its routers only.  What a router has is kept before anything is drawn: a switch that comes back becomes a standby.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from hashlib import blake2b

MOST = 3  # switches in a ranking: an active one and two standbys
POOL = 8  # gateways of a physical network where none is designated: all others have a BFD session with each of them


def weight(subject: str, switch_id: str) -> bytes:
    """Weight of a switch for a router (or a physical network): the switch with the largest is the first choice."""
    return blake2b(f"{subject}\n{switch_id}".encode(), digest_size=8).digest()


def by_weight(subject: str, switch_ids: Iterable[str]) -> list[str]:
    return sorted(switch_ids, key=lambda switch_id: (weight(subject, switch_id), switch_id), reverse=True)


def rank(
    router_id: str,
    current: tuple[str, ...],
    candidates: Collection[str],
    alive: Collection[str],
    draining: Collection[str],
    severed: Callable[[str, str], bool] = lambda standby, active: False,
) -> tuple[str, ...]:
    """The new ranking of a router, from its current one.

    candidates: switches that have its external networks.  alive, draining: among others, of these.
    severed: whether a switch does not hear the active one although others do; it would act as a second gateway.
    The active switch stays while it is alive and not draining; then comes the next that is.  Standbys that are dead
    stay behind those that are alive, so that nothing changes for them when they are back.
    """
    usable = {each for each in candidates if each in alive and each not in draining}
    if not usable:  # those that are draining are better than none, and if all are dead the first to be back is the one
        usable = {each for each in candidates if each in alive}
        if not usable:
            return tuple(each for each in current if each in candidates) or tuple(
                by_weight(router_id, candidates)[:MOST]
            )
    kept = [each for each in current if each in usable]
    fresh = by_weight(router_id, usable.difference(kept))
    active = (kept or fresh)[0]
    behind = [each for each in (*kept, *fresh) if each != active and not severed(each, active)]
    dead = [each for each in current if each in candidates and each not in usable and each not in draining]
    return (active, *behind, *(each for each in dead if not severed(each, active)))[:MOST]

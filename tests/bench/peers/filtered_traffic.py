"""Traffic through filters: TCP throughput with a group and without, and new connections a second."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.bench.figure import Figure
from tests.bench.peers import connections
from tests.bench.peers.filters import Filters
from tests.bench.peers.traffic import PLACES, SECONDS, TURNS, Guests
from tests.bench.peers.traffic import throughput as rate
from tests.bench.peers.turns import AHEAD, Both, compared


def throughput(both: Both, filters: Sequence[Filters], guests: Sequence[Guests]) -> Iterator[Figure]:
    """TCP between VMs of a group, in Mbit/s and as a share of the same without one; best of several."""
    for place, server in PLACES:
        filtered: list[list[float]] = [[], []]
        bare: list[list[float]] = [[], []]
        for turn in range(TURNS):
            for which in _order(turn):
                group = _group(filters[which], guests[which])
                filtered[which].append(rate(guests[which], server))
                filters[which].remove(group)
                bare[which].append(rate(guests[which], server))
        details: dict[str, object] = {
            "with_mbit_s": filtered[0], "without_mbit_s": bare[0], "peer_with_mbit_s": filtered[1],
            "peer_without_mbit_s": bare[1], "of": "best", "seconds_each": SECONDS,
        }  # fmt: skip
        yield compared(both, f"tcp-rules-{place}", "Mbit/s", (max(filtered[0]), max(filtered[1])), AHEAD, details)
        ours, theirs = (max(filtered[which]) / max(bare[which]) for which in (0, 1))
        yield compared(both, f"tcp-rules-share-{place}", "of without", (ours, theirs), AHEAD, details)


def new_connections(both: Both, filters: Sequence[Filters], guests: Sequence[Guests]) -> Figure:
    """Between VMs of a group on one switch; best of several."""
    groups = [_group(each, those) for each, those in zip(filters, guests, strict=True)]
    runs: list[list[float]] = [[], []]
    for turn in range(TURNS):
        for which in _order(turn):
            runs[which].append(connections.once(guests[which], turn))
    for each, group in zip(filters, groups, strict=True):
        each.remove(group)
    details: dict[str, object] = {
        "are": "UDP packets, each of another source port", "in_each_run": connections.COUNT, "of": "best",
        "runs": runs[0], "peer_runs": runs[1],
    }  # fmt: skip
    return compared(both, "connections", "/s", (max(runs[0]), max(runs[1])), AHEAD, details)


def _group(filters: Filters, guests: Guests) -> str:
    return filters.group([each.port for each in guests.each])


def _order(turn: int) -> tuple[int, int]:
    """Who goes first takes turns, too."""
    return (0, 1) if turn % 2 else (1, 0)

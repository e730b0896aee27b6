"""Traffic through filters: TCP throughput with a group and without, and new connections a second."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.bench.figure import Figure
from tests.bench.peers import connections
from tests.bench.peers.filters import Filters
from tests.bench.peers.traffic import PLACES, SECONDS, TURNS, Guests, once, throughput
from tests.bench.peers.turns import AHEAD, Both, compared


class Runs:
    """What one system did: Mbit/s with a group and without, and ms of the switches' processor time for a Mbit."""

    def __init__(self, filters: Filters, guests: Guests) -> None:
        self._filters = filters
        self._guests = guests
        self.filtered: list[float] = []
        self.bare: list[float] = []
        self.work: list[float] = []
        self.bare_work: list[float] = []

    def again(self, server: int) -> None:
        group = _group(self._filters, self._guests)
        rate, cost = once(throughput, self._guests, server)
        self._filters.remove(group)
        bare, bare_cost = once(throughput, self._guests, server)
        for kept, value in ((self.filtered, rate), (self.work, cost), (self.bare, bare), (self.bare_work, bare_cost)):
            kept.append(value)

    @property
    def share(self) -> float:
        return max(self.filtered) / max(self.bare)

    def details(self, prefix: str) -> dict[str, object]:
        return {
            f"{prefix}with_mbit_s": self.filtered, f"{prefix}without_mbit_s": self.bare,
            f"{prefix}switches_cpu_ms_a_mbit": min(self.work),
            f"{prefix}switches_cpu_ms_a_mbit_without": min(self.bare_work),
        }  # fmt: skip


def tcp(both: Both, filters: Sequence[Filters], guests: Sequence[Guests]) -> Iterator[Figure]:
    """TCP between VMs of a group, in Mbit/s and as a share of the same without one; best of several."""
    for place, server in PLACES:
        ours, theirs = (Runs(each, those) for each, those in zip(filters, guests, strict=True))
        for turn in range(TURNS):
            for which in _order(turn):
                (ours, theirs)[which].again(server)
        details = {**ours.details(""), **theirs.details("peer_"), "of": "best", "seconds_each": SECONDS}
        rates = max(ours.filtered), max(theirs.filtered)
        yield compared(both, f"tcp-rules-{place}", "Mbit/s", rates, AHEAD, details)
        yield compared(both, f"tcp-rules-share-{place}", "of without", (ours.share, theirs.share), AHEAD, details)


def new_connections(both: Both, filters: Sequence[Filters], guests: Sequence[Guests]) -> Iterator[Figure]:
    """Between VMs of a group on one switch; best of several."""
    groups = [_group(each, those) for each, those in zip(filters, guests, strict=True)]
    for kind in connections.KINDS:
        runs: list[list[float]] = [[], []]
        for turn in range(TURNS):
            for which in _order(turn):
                runs[which].append(connections.once(guests[which], kind, turn))
        details: dict[str, object] = {
            "are": f"{kind.is_}, each of another source port", "in_each_run": connections.COUNT, "of": "best",
            "runs": runs[0], "peer_runs": runs[1],
        }  # fmt: skip
        yield compared(both, f"connections-{kind.name}", "/s", (max(runs[0]), max(runs[1])), AHEAD, details)
    for each, group in zip(filters, groups, strict=True):
        each.remove(group)


def _group(filters: Filters, guests: Guests) -> str:
    return filters.group([each.port for each in guests.each])


def _order(turn: int) -> tuple[int, int]:
    """Who goes first takes turns, too."""
    return (0, 1) if turn % 2 else (1, 0)

"""Cost of a wire, by the speed of its ports."""

from __future__ import annotations

from collections.abc import Callable

REFERENCE = 10_000_000  # kbit/s; a wire that is as fast, or faster, costs 1: as little as half a tunnel
UNKNOWN = 1_000_000  # kbit/s, where a port does not tell
MOST = 999  # a wire that nobody can probe costs more, whatever its speed


def by_hops(_: int) -> int:
    """Every wire is the same: the way with the fewest is the shortest."""
    return 1


def by_speed(speed: int) -> int:
    """`speed` in kbit/s, 0 where it is not known (OpenFlow 1.3.5, 7.2.1: curr_speed)."""
    return min(MOST, max(1, round(REFERENCE / (speed or UNKNOWN))))


COSTS: dict[str, Callable[[int], int]] = {"hops": by_hops, "speed": by_speed}

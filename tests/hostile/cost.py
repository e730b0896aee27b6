"""Processor time at n and at 4n: linear work takes 4 times as long, quadratic work 16 times.

Processor time, not the clock's: neighbours on the machine do not count.  The best of several runs, a factor between the
two, and a floor below which everything is quick enough.
"""

from __future__ import annotations

import time
from collections.abc import Callable

TIMES = 3  # runs, of which the best counts
FACTOR = 8.0
FLOOR = 0.020  # seconds: less is not told from noise

Call = Callable[[], object]


def processor_time(call: Call, times: int = TIMES) -> float:
    """Seconds that the quickest of several runs takes."""
    return min(_once(call) for _ in range(times))


def _once(call: Call) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def assert_linear(sized: Callable[[int], Call], size: int, times: int = TIMES) -> None:
    """`sized(n)`: a call that is given work of size n; what it prepares is not counted."""
    small, large = (processor_time(sized(each), times) for each in (size, 4 * size))
    assert large <= FACTOR * small + FLOOR, f"{small:.4f} s at {size}, {large:.4f} s at {4 * size}: more than linear"


def assert_independent(sized: Callable[[int], Call], size: int, times: int = TIMES) -> None:
    """As `assert_linear`, of what is not to depend on the size."""
    small, large = (processor_time(sized(each), times) for each in (size, 4 * size))
    assert large <= 2 * small + FLOOR, f"{small:.4f} s at {size}, {large:.4f} s at {4 * size}: it depends on the size"

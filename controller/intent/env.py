"""Environment of the rules: clock, ids, randomness, and the caller's identity.  Passed in, so that rules stay pure."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from controller.config.physical_networks import NONE, PhysicalNetworks
from controller.model.names import Naming
from controller.runtime.randomness import below, new_uuid


class Means(NamedTuple):
    """Environment of one request.  `below(n)` draws from 0..n-1, `now` is ISO 8601 in UTC, `new_id` a fresh UUID.

    `underlay_mtu` is the largest IP packet that the network between the hypervisors carries, in bytes;
    reports of hypervisors never lower a network's MTU below `least_mtu`.
    `project_id` is the caller's; an `operator` sees all projects.  `by_name`: the caller may attach any interface by
    its name; `offered`: patterns of names that everybody may attach.  `naming`: of ports' names; `keywords`: values of
    domains' keywords for the caller, as (keyword, value).  `turns` gives other requests their turn during a long
    search.
    """

    underlay_mtu: int
    below: Callable[[int], int]
    now: Callable[[], str]
    new_id: Callable[[], str]
    physical: PhysicalNetworks = NONE
    project_id: str = ""
    operator: bool = True
    by_name: bool = True
    offered: tuple[str, ...] = ()
    least_mtu: int = 1280
    turns: Callable[[Iterable[int]], Iterator[int]] = iter
    naming: Naming = Naming()
    keywords: tuple[tuple[str, str], ...] = ()


def means(
    underlay_mtu: int = 1500,
    physical: PhysicalNetworks = NONE,
    offered: Sequence[str] = (),
    least_mtu: int = 1280,
    turns: Callable[[Iterable[int]], Iterator[int]] = iter,
    naming: Naming = Naming(),  # noqa: B008 - a value
) -> Means:
    """Environment with the real clock and randomness."""
    return Means(underlay_mtu, below, _now, new_uuid, physical, offered=tuple(offered), least_mtu=least_mtu,
                 turns=turns, naming=naming)  # fmt: skip


def _now() -> str:
    return _text(int(time.time()))


@functools.lru_cache(maxsize=1)
def _text(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))

"""The reference of routing says what plain Linux does: random plans, every pair of hosts, both families, few hops."""

from __future__ import annotations

import random

import pytest

from tests.lab.plain import PlainLinux
from tests.routing import chance
from tests.routing.plan import FAMILIES, Plan
from tests.routing.reference import pings


def pairs(plan: Plan) -> dict[tuple[str, str], set[int]]:
    """(host, address of another) -> the TTLs that its answers can come with."""
    return {
        (one.name, address): pings(plan, one, other, family)
        for one in plan.hosts.values() for other in plan.hosts.values() for family in FAMILIES
        if one is not other and (address := plan.address(other, family)) and plan.address(one, family)
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_the_reference_is_plain_linux(seed: int) -> None:
    plan = chance.plan(random.Random(seed))
    expected = pairs(plan)
    with PlainLinux(plan) as linux:
        found = linux.pings(expected)
    assert {asked: ttl for asked, ttl in found.items() if ttl not in expected[asked]} == {}
    assert set(found) == set(expected)

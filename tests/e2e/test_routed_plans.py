"""Random plans of routers on real Open vSwitch and on plain Linux: every pair of hosts, and the TTL of each answer.

Two tenants at once with the same addresses, on three hypervisors.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.e2e.test_plain_linux import pairs
from tests.lab.cloud import Cloud, cloud
from tests.lab.plain import PlainLinux
from tests.lab.planned import Routed
from tests.routing import chance

PLANS = 3
HYPERVISORS = 3


@pytest.fixture(scope="module")
def made() -> Iterator[Cloud]:
    with cloud([["vxlan"]] * HYPERVISORS) as made:
        yield made


@pytest.mark.parametrize("number", range(PLANS))
def test_two_tenants_are_routed_as_by_plain_linux(made: Cloud, number: int) -> None:
    at = random.Random(number + 100)
    tenants = []
    for name in ("red", "blue"):
        plan = chance.plan(at)
        places = {host: at.randrange(HYPERVISORS) for host in plan.hosts}
        tenants.append(Routed(made, f"{name}{number}", plan, places))
    made.connected()
    for tenant in tenants:
        possible = pairs(tenant.plan)
        with PlainLinux(tenant.plan) as linux:
            kernel = linux.pings(possible)
        wrong = _wrong(tenant.pings(possible), kernel, possible)
        if wrong:  # the first packets of a tunnel wait for the underlay's ARP
            wrong = _wrong(tenant.pings(possible), kernel, possible)
        assert wrong == {}, tenant.plan
    made.lab.remove(*(vm for tenant in tenants for vm in tenant.vms.values()))


def _wrong(
    found: dict[tuple[str, str], int], kernel: dict[tuple[str, str], int], possible: dict[tuple[str, str], set[int]]
) -> dict[tuple[str, str], tuple[int, int]]:
    """Where routes of equal cost lead on, both choose as they like."""
    return {asked: (ttl, kernel[asked]) for asked, ttl in found.items()
            if ttl != kernel[asked] and (len(possible[asked]) == 1 or ttl not in possible[asked])}  # fmt: skip

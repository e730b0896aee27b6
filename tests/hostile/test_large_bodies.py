"""Bulks of v2.0 with as many objects as one request may have: linear in their number, in processor time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .cost import Call, assert_linear
from .site import Site, network_id, running

FEW = 100  # objects; four times as many are a fifth of the most, and every step of theirs shows


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("site"), 1_000, 10) as found:
        yield found


def subnet(number: int) -> dict[str, Any]:
    cidr = f"172.{16 + (number >> 8)}.{number & 255}.0/24"
    return {"network_id": network_id(0), "ip_version": 4, "cidr": cidr}


BULKS = {
    "networks": lambda number: {"name": f"n{number}", "description": "d" * 255},
    "subnets": subnet,
    "ports": lambda number: {
        "network_id": network_id(number % 20),
        "fixed_ips": [],
        "allowed_address_pairs": [{"ip_address": f"192.0.2.{each}"} for each in range(10)],
    },
    "subnetpools": lambda number: {"prefixes": [f"10.{number & 255}.{each}.0/28" for each in range(64)]},
    "address-scopes": lambda number: {"name": f"s{number}", "ip_version": 4},
}


@pytest.mark.parametrize("path", sorted(BULKS))
@pytest.mark.parametrize("query", ["?dry_run=true"])
def test_a_bulk_costs_linear_time(site: Site, path: str, query: str) -> None:
    def sized(size: int) -> Call:
        body = {path.replace("-", "_"): [{"name": "x", **BULKS[path](number)} for number in range(size)]}

        def call() -> None:
            reply = site.call("POST", f"/v2.0/{path}{query}", body)
            assert reply.status == 200, reply.body[:300]

        return call

    assert_linear(sized, FEW, 2)

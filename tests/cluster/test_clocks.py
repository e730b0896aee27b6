"""The wall clock of the master is set an hour forward, and back: nothing but what it shows as the time changes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.clock import WallClock
from tests.cluster.conftest import Running
from tests.cluster.site import LEASE, Member, messages

HOUR = 3600


@pytest.fixture
def clock(running: Running, tmp_path: Path) -> Iterator[tuple[Member, WallClock]]:
    """Of the member that is hv1's master."""
    member = running.site.master("hv1")
    made = WallClock(member, tmp_path / "offset")
    running.site.settled()
    assert running.site.master("hv1") is member
    yield member, made
    made.end()


def create(running: Running, member: Member) -> dict[str, Any]:
    # of a service: no security group, so that a port that is plugged in nowhere has no flow anywhere
    body = {"port": {"network_id": running.network["id"], "project_id": "acme", "device_owner": "network:tests"}}
    reply = member.api("POST", "/v2.0/ports", body)
    assert reply.status == 201, reply.body
    return dict(reply.json["port"])


def off(port: dict[str, Any]) -> float:
    """Seconds by which the clock was off that a port was created by."""
    made = datetime.strptime(port["created_at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return (made - datetime.now(UTC)).total_seconds()


def test_the_wall_clock_jumps_an_hour_forward_and_back(running: Running, clock: tuple[Member, WallClock]) -> None:
    member, wall = clock
    ports: list[dict[str, Any]] = []
    lapses = {each.name: each.metric("tenet_cluster_lapses_total") for each in running.members}
    traffic, sent = running.one.pinging(running.address), messages(running.members)
    cloud = running.site.cloud
    for offset in (HOUR, -HOUR, 24 * HOUR, 0):
        wall.set(offset)
        deadline = time.monotonic() + LEASE + 1
        while time.monotonic() < deadline:
            assert member.cluster()["writing"] and "hv1" in member.held()
            time.sleep(0.2)
        made = {each.name: create(running, each) for each in running.members}
        assert {name: round(off(port) / HOUR) * HOUR for name, port in made.items()} == {
            each.name: offset if each is member else 0 for each in running.members
        }
        ports += made.values()
    # nothing was sent but what the ports themselves are: they are plugged in nowhere
    assert messages(running.members) == sent
    assert {each.name: each.metric("tenet_cluster_lapses_total") for each in running.members} == lapses
    cloud.start(running.site.lab[0], ports[0])
    assert running.one.reaches(ports[0]["fixed_ips"][0]["ip_address"])
    assert traffic.stop() == []
    addresses = [fixed["ip_address"] for port in cloud.v2("acme").list("port") for fixed in port["fixed_ips"]]
    assert len(addresses) == len(set(addresses)) and len(addresses) >= len(ports)

"""What security groups drop, as a tenant is told: counted by a real switch, with the reason, and no flood for free."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.lab import socket_in
from tests.lab.cloud import Body, Cloud, cloud, until
from tests.lab.talk import Listener

RATE = 80  # of a switch; a port's share is an eighth
FLOOD = 10_000  # packets


class World:
    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.api = cloud.v2("red")
        network = self.api.network("n")
        self.api.subnet(network, "10.0.0.0/24")
        asking, served = self.api.group("asking"), self.api.group("served")
        self.rule = self.api.rule(served, "ingress", "tcp", 443)
        self.ports: list[Body] = [
            self.api.port(network, f"10.0.0.{n}", security_groups=[group["id"]])
            for n, group in ((1, asking), (2, served))
        ]
        self.client, self.server = [cloud.start(cloud[n], port) for n, port in enumerate(self.ports)]

    def drops(self, number: int) -> dict[str, Any]:
        reply = self.cloud.controller.api("GET", f"/tenet/v1/ports/{self.ports[number]['id']}/drops")
        assert reply.status == 200, reply.body
        return reply.json["drops"]  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with cloud([["vxlan"]] * 2, {"openflow": {"drop_rate": RATE}}) as made:
        yield World(made)


def test_a_refused_connection_is_told_with_the_rule_that_nearly_allows_it(world: World) -> None:
    with closing(Listener(world.server, "10.0.0.2", 22)) as listener:
        assert listener.refuses(world.client)
    told = until(lambda: world.drops(1)["last"])
    assert told[0]["reason"] == "no rule allows tcp/22 in from 10.0.0.1"
    assert (told[0]["packet"]["source"], told[0]["packet"]["destination_port"]) == ("10.0.0.1", 22)
    assert told[0]["nearest_rule"]["id"] == world.rule["id"] and told[0]["nearest_rule"]["differs_in"] == ["ports"]
    counters = until(lambda: (found := world.drops(1))["counters"]["ingress"]["dropped"] and found)["counters"]
    assert counters["egress"]["dropped"] == 0
    assert world.drops(0)["counters"]["egress"]["passed"] > 0 and world.drops(0)["last"] == []


def test_what_passes_is_counted_in_both_directions(world: World) -> None:
    before = world.drops(1)["counters"]
    with closing(Listener(world.server, "10.0.0.2", 443)) as listener, closing(listener.accept(world.client)) as talk:
        for _ in range(10):
            assert talk.client_says(b"x") and talk.server_says(b"y")

    def passed(direction: str) -> int:
        return int(world.drops(1)["counters"][direction]["passed"] - before[direction]["passed"])

    assert until(lambda: passed("ingress") >= 10 and passed("egress") >= 10)
    assert world.drops(1)["counters"]["ingress"]["dropped"] == before["ingress"]["dropped"]


def test_a_flood_is_counted_and_hardly_told(world: World) -> None:
    before = world.cloud.controller.metric("tenet_drops_told_total")
    with closing(socket_in(world.client.namespace, 2, 2)) as sender:  # AF_INET, SOCK_DGRAM
        for number in range(FLOOD):
            sender.sendto(b"flood", ("10.0.0.2", 53))
            if number % 50 == 0:
                time.sleep(0.005)  # what overruns the switch's socket does not arrive at the filter
    assert until(lambda: world.drops(1)["counters"]["ingress"]["dropped"] > FLOOD // 2), world.drops(1)["counters"]
    told = world.cloud.controller.metric("tenet_drops_told_total") - before
    assert 0 < told < FLOOD / 20
    flood = next(one for one in world.drops(1)["last"] if one["packet"].get("destination_port") == 53)
    assert flood["reason"] == "no rule allows udp/53 in from 10.0.0.1" and flood["count"] <= told


def test_a_rule_that_comes_later_is_named(world: World) -> None:
    world.api.rule({"id": world.rule["security_group_id"]}, "ingress", "udp", 53)
    found = next(one for one in world.drops(1)["last"] if one["packet"].get("destination_port") == 53)
    assert found["allowed_now_by"] and found["nearest_rule"] is None


def traced(world: World, source: int, target: int, **asked: object) -> Body:
    said = "".join(f"&{name}={value}" for name, value in asked.items())
    ends = f"from={world.ports[source]['id']}&to={world.ports[target]['id']}"
    reply = world.cloud.controller.api("GET", f"/tenet/v1/trace?{ends}{said}")
    assert reply.status == 200, reply.body
    return reply.json["trace"]["frames"][1]  # type: ignore[no-any-return]


def test_a_trace_names_the_rule_and_knows_states(world: World) -> None:
    allowed = traced(world, 0, 1, protocol="tcp", port=443)
    assert allowed["arrives"] and allowed["hops"][-1]["filters"][-1]["rule"]["id"] == world.rule["id"]
    assert traced(world, 1, 0, protocol="tcp", port=443, state="reply")["arrives"]
    refused = traced(world, 0, 1, protocol="tcp", port=22)
    assert not refused["arrives"] and refused["filtered"]
    assert "no rule allows tcp/22 in from 10.0.0.1; nearest: tcp/443 in from anywhere" in refused["verdict"]
    assert world.cloud.controller.api("GET", "/tenet/v1/unreachable").json["unreachable"] == []

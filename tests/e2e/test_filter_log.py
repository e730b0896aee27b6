"""Logging of security groups (/log/logs): lines of the controller's log, and events, of what somebody asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.lab.cloud import Body, Cloud, cloud, until
from tests.lab.talk import Listener


class World:
    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.api = cloud.v2("red")
        network = self.api.network("n")
        self.api.subnet(network, "10.0.0.0/24")
        self.asking, self.served = self.api.group("asking"), self.api.group("served")
        self.rule = self.api.rule(self.served, "ingress", "tcp", 443)
        self.ports: list[Body] = [
            self.api.port(network, f"10.0.0.{n}", security_groups=[group["id"]])
            for n, group in ((1, self.asking), (2, self.served))
        ]
        self.client, self.server = [cloud.start(cloud[0], port) for port in self.ports]

    def log(self, event: str, **of: object) -> Body:
        said = {"project_id": "red", "resource_type": "security_group", "event": event, **of}
        reply = self.cloud.controller.api("POST", "/v2.0/log/logs", {"log": said}, {"Prefer": "wait=30"})
        assert reply.status == 201, reply.body
        return reply.json["log"]  # type: ignore[no-any-return]

    def lines(self, action: str) -> list[str]:
        return [line for line in self.cloud.controller.text().splitlines() if f"tenet.filter: {action} " in line]

    def refused(self, number: int) -> None:
        with closing(Listener(self.server, "10.0.0.2", number)) as listener:
            assert listener.refuses(self.client)

    def accepted(self, number: int) -> None:
        with closing(Listener(self.server, "10.0.0.2", number)) as listener:
            listener.accept(self.client).close()


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with cloud([["vxlan"]]) as made:
        yield World(made)


def test_nothing_is_logged_that_nobody_asked_for(world: World) -> None:
    world.refused(22)
    world.accepted(443)
    drops = f"/tenet/v1/ports/{world.ports[1]['id']}/drops"
    assert until(lambda: world.cloud.controller.api("GET", drops).json["drops"]["last"])
    assert world.lines("DROP") == world.lines("ACCEPT") == []


def test_drops_and_first_packets_of_a_group_are_logged(world: World) -> None:
    log = world.log("ALL", resource_id=world.served["id"])
    flows = until(lambda: [flow for flow in world.cloud[0].flows() if "61.63.63.65.70.74.73" in flow])  # "accepts"
    assert len(flows) == 2  # of the one port, one a direction
    world.refused(23)
    world.accepted(443)
    dropped = until(lambda: [line for line in world.lines("DROP") if "tcp/23" in line])
    assert (
        f"DROP ingress of port {world.ports[1]['id']}: tcp/23 from 10.0.0.1 to 10.0.0.2: no rule allows" in dropped[0]
    )
    accepted = until(lambda: world.lines("ACCEPT"))
    assert f"ACCEPT ingress of port {world.ports[1]['id']}: tcp/443 from 10.0.0.1 to 10.0.0.2" in accepted[0]
    assert not [line for line in accepted if world.ports[0]["id"] in line]
    found = told(world)
    assert [one["log_ids"] for one in found] and {tuple(one["log_ids"]) for one in found} == {(log["id"],)}
    assert next(one["rule_id"] for one in found if one["action"] == "ACCEPT") == world.rule["id"]


def told(world: World) -> list[dict[str, Any]]:
    """Of the events so far, the packets that were logged."""
    with closing(world.cloud.controller.connect()) as connection:
        connection.request("GET", "/tenet/v1/events?after=1")
        response, found = connection.getresponse(), []
        while True:
            line = response.readline().decode()
            if line.startswith("data: ") and "packets" in line:
                found += json.loads(line.removeprefix("data: "))["packets"]
            if not line or any(one["action"] == "ACCEPT" for one in found):
                return found

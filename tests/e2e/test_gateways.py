"""Gateways of routers on real switches: who watches whom by BFD, who takes over, what the operator says and sees."""

from __future__ import annotations

import json

import pytest

from tests.lab.cloud import Body, Cloud, cloud, until
from tests.lab.gateways import GatewayCalls


class Site(GatewayCalls):
    """Three hypervisors; the first two are designated gateways.  A router leads to a tunnelled external network."""

    def __init__(self, made: Cloud) -> None:
        self.cloud, self.controller = made, made.controller
        self.v2 = made.v2("red")
        self.outside = self.v2.network("outside", **{"router:external": True})
        self.v2.subnet(self.outside, "203.0.113.0/24")
        self.network = self.v2.network("inside")
        self.subnet = self.v2.subnet(self.network, "10.0.0.0/24", gateway_ip="10.0.0.1")
        self.router = self.ask("POST", "/v2.0/routers", {"router": {"name": "r"}}, 201)["router"]
        path = f"/v2.0/routers/{self.router['id']}"
        self.ask("PUT", f"{path}/add_router_interface", {"subnet_id": self.subnet["id"]})
        gateway = {"external_gateway_info": {"network_id": self.outside["id"]}}
        self.ask("PUT", path, {"router": gateway})

    def say(self, method: str, name: str, what: str) -> None:
        self.ask(method, f"/tenet/v1/gateways/{name}/{what}")

    def watching(self, number: int) -> dict[str, bool]:
        """Whether a hypervisor hears each of the switches that it watches, by their ids."""
        said = self.cloud[number].vsctl("--format=json", "--columns=external_ids,bfd_status", "list", "Interface")
        found = {}
        for (_, ids), (_, status) in json.loads(said)["data"]:
            if far := dict(ids).get("tenet-watches"):
                found[far] = dict(status).get("forwarding") == "true"
        return found


@pytest.mark.parametrize("encapsulation", ["vxlan", "geneve"])
def test_gateways_are_watched_and_take_over(encapsulation: str) -> None:
    with cloud([[encapsulation]] * 3) as made:
        site = Site(made)
        one, two, three = (made[number].system_id for number in range(3))
        without = site.ask("GET", "/tenet/v1/gateways")["routers_without"]
        assert [each["router"] for each in without] == [site.router["id"]] and "designated" in without[0]["why"]
        site.say("POST", one, "designation")
        site.say("POST", two, "designation")
        asking, asked = (site.v2.port(site.network, f"10.0.0.{number}") for number in (11, 12))
        vm = made.start(made[2], asking)
        made.start(made[0], asked)
        assert until(lambda: site.watching(2) == {one: True, two: True})
        assert until(lambda: site.watching(0) == {two: True, three: True})
        assert until(lambda: site.watching(1) == {one: True, three: True})
        assert vm.reaches("10.0.0.12"), "what tenants send comes in by the port for all peers"
        assert not [each for each in topology(site, "interfaces") if each["name"].startswith("tenet-b-")]

        active = site.active()
        standby = ({one, two} - {active}).pop()
        killed = made[0] if active == one else made[1]
        killed.kill_switch()
        assert until(lambda: site.active() == standby)
        assert site.gateways()[active]["not_heard_by"], "BFD said so, long before the connection was missed"
        killed.restart_switch()
        assert until(lambda: site.watching(2) == {one: True, two: True})
        assert until(lambda: not site.gateways()[active]["not_heard_by"])
        assert site.active() == standby and site.gateways()[active]["routers_standby"] == 1

        site.say("POST", standby, "drain")
        assert until(lambda: site.active() == active)
        site.say("DELETE", standby, "drain")
        assert until(lambda: site.gateways()[standby]["routers_standby"] == 1)
        assert site.active() == active
        for name in (one, two):
            site.say("DELETE", name, "designation")
        assert until(lambda: [site.watching(number) for number in range(3)] == [{}, {}, {}])
        assert vm.reaches("10.0.0.12")


def topology(site: Site, what: str) -> list[Body]:
    found: list[Body] = site.ask("GET", "/tenet/v1/topology")["topology"][what]
    return found

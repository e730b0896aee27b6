"""A port's status is what is true of it."""

from __future__ import annotations

import time

import msgspec
import pytest

from controller.model.model import Model
from controller.model.rows import FloatingIp, Gateway, GatewayRanking, Network, Physical, Router, RouterInterface, Row
from controller.reconcile.progress import GRACE, Progress
from controller.reconcile.statuses import Statuses
from controller.runtime import hub
from tests.apps.clouds import addresses_of, group, network, on_physical, plugged, port, rule, switch
from tests.world import change


class Scene:
    """Port `a` on h1 and `b` on h2, of one network; every switch has confirmed all of it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.model = Model()
        self.progress = Progress(lambda: self.now)
        self.statuses = Statuses(self.model, self.progress)
        self.put(switch(1), switch(2), network("red"), port("a", "red", 1), port("b", "red", 2))
        self.put(plugged("a", 1, 1), plugged("b", 2, 1))
        self.computed("h1", "h2")
        self.confirmed("h1", "h2")

    def put(self, *rows: Row | str) -> None:
        change(self.model, *rows)

    def computed(self, *affected: str) -> None:
        self.progress.round(self.model.revision, affected)

    def confirmed(self, *switch_ids: str) -> None:
        for switch_id in switch_ids:
            self.progress.confirmed(switch_id, self.model.revision, current=True)

    def status(self, port_id: str = "a") -> tuple[str, str]:
        found = self.model.get(type(port("a", "red", 1)), port_id)
        assert found is not None
        return self.statuses.port(found)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_what_all_have_confirmed_is_active(scene: Scene) -> None:
    assert scene.status() == ("ACTIVE", "")


def test_a_port_that_is_switched_off_is_down(scene: Scene) -> None:
    scene.put(port("a", "red", 1, up=False))
    assert scene.status() == ("DOWN", "its admin state is down")


def test_a_port_of_a_network_that_is_switched_off_is_down(scene: Scene) -> None:
    scene.put(msgspec.structs.replace(network("red"), admin_state_up=False))
    assert scene.status() == ("DOWN", "its network's admin state is down")


def test_a_port_without_an_interface_is_down(scene: Scene) -> None:
    scene.put("interface/h1/tap-a")
    assert scene.status() == ("DOWN", "no interface is plugged in")
    scene.put(msgspec.structs.replace(port("a", "red", 1, learning=True), interface_id=""))
    assert scene.status() == ("DOWN", "nothing is attached")


def test_a_refused_flow_is_an_error_with_its_reason(scene: Scene) -> None:
    scene.progress.refusing("h2", {"port/a": {7: "bad port"}})
    assert scene.status() == ("ERROR", "switch h2 refused a flow: bad port")
    assert scene.status("b") == ("ACTIVE", "")
    scene.progress.refusing("h2", {"network/red": {7: "bad port"}})
    assert scene.status("b") == ("ERROR", "switch h2 refused a flow: bad port")


def test_a_refused_flow_of_what_filters_a_port_is_its_error(scene: Scene) -> None:
    """Of its groups, their rules, and the address sets that these name; not of a group of others."""
    scene.put(group("g", 7), group("h", 8), group("k", 9), addresses_of("n", 10, "10.0.0.1"))
    scene.put(rule("r", "g", "ingress", remote_group_id="h"), rule("s", "g", "ingress", remote_address_group_id="n"))
    scene.put(msgspec.structs.replace(port("a", "red", 1), security_groups=("g",)))
    scene.computed("h1", "h2")
    scene.confirmed("h1", "h2")
    of_port = ("security_group/g", "security_group_rule/r", "security_group/h", "address_group/n")
    for key in of_port:
        scene.progress.refusing("h1", {key: {7: "bad match"}})
        assert scene.status() == ("ERROR", "switch h1 refused a flow: bad match"), key
        assert scene.status("b") == ("ACTIVE", "")
    scene.progress.refusing("h1", {"security_group/k": {7: "bad match"}})
    assert scene.status() == ("ACTIVE", "")


def test_a_port_is_in_the_making_until_its_switch_has_its_filter_and_stays_so_when_rules_change(scene: Scene) -> None:
    scene.put(group("g", 7), msgspec.structs.replace(port("a", "red", 1), security_groups=("g",)))
    assert scene.status() == ("BUILD", "its flows are being computed")
    scene.computed("h1", "h2")
    assert scene.status()[0] == "BUILD"
    scene.confirmed("h1", "h2")
    assert scene.status() == ("ACTIVE", "")
    scene.put(rule("r", "g", "ingress"))
    scene.computed("h1")
    assert scene.status() == ("ACTIVE", "") and not scene.progress.reached(scene.model.revision)
    scene.confirmed("h1")
    assert scene.progress.reached(scene.model.revision)


def test_a_change_is_in_the_making_until_every_switch_of_the_network_confirms(scene: Scene) -> None:
    scene.put(msgspec.structs.replace(port("a", "red", 1), name="new"))
    assert scene.status() == ("BUILD", "its flows are being computed")
    assert scene.status("b") == ("ACTIVE", "")
    scene.computed("h1", "h2")
    assert scene.status() == ("BUILD", "switch h1 has not confirmed its flows")
    scene.confirmed("h1")
    assert scene.status() == ("BUILD", "switch h2 has not confirmed its flows")
    scene.confirmed("h2")
    assert scene.status() == ("ACTIVE", "")


def test_a_change_that_moves_no_flow_is_done_when_it_is_computed(scene: Scene) -> None:
    scene.put(msgspec.structs.replace(port("a", "red", 1), name="new"))
    scene.computed()
    assert scene.status() == ("ACTIVE", "")


def test_a_switch_that_does_not_hold_the_network_is_not_asked(scene: Scene) -> None:
    scene.put(switch(3), port("c", "blue", 1), network("blue"), plugged("c", 3, 1))
    scene.computed("h3")
    assert scene.status() == ("ACTIVE", "")
    assert scene.status("c") == ("BUILD", "switch h3 has not confirmed its flows")


@pytest.mark.parametrize("row", [plugged("a", 1, 9), plugged("a", 1, 1, attached="02:00:00:00:00:01")])
def test_a_port_plugged_in_anew_is_in_the_making(scene: Scene, row: Row) -> None:
    scene.put(row)
    assert scene.status()[0] == "BUILD"


def test_a_port_whose_network_is_switched_on_is_in_the_making(scene: Scene) -> None:
    off = msgspec.structs.replace(network("red"), admin_state_up=False)
    scene.put(off)
    scene.computed("h1", "h2")
    scene.confirmed("h1", "h2")
    scene.put(network("red"))
    assert scene.status() == ("BUILD", "its flows are being computed")
    scene.computed("h1", "h2")
    scene.confirmed("h1", "h2")
    assert scene.status() == ("ACTIVE", "")


def test_a_port_whose_network_gets_another_name_stays_active(scene: Scene) -> None:
    scene.put(msgspec.structs.replace(network("red"), name="new"))
    assert scene.status() == ("ACTIVE", "")


def test_a_port_that_another_host_may_have_is_in_the_making(scene: Scene) -> None:
    scene.put(msgspec.structs.replace(switch(1), host="other"), msgspec.structs.replace(port("a", "red", 1), host="h1"))
    scene.computed("h1", "h2")
    scene.confirmed("h1", "h2")
    assert scene.model.get(Network, "red") is not None and scene.status() == ("ACTIVE", "")  # h1 is its id, too
    scene.put(msgspec.structs.replace(port("a", "red", 1), host="h2"))
    assert scene.status()[0] == "DOWN"


def test_a_switch_that_is_away_for_long_counts_only_for_its_own_ports(scene: Scene) -> None:
    scene.progress.away("h2")
    scene.put(
        msgspec.structs.replace(port("a", "red", 1), name="new"),
        msgspec.structs.replace(port("b", "red", 2), name="new"),
    )
    scene.computed("h1", "h2")
    scene.confirmed("h1")
    assert scene.status() == scene.status("b") == ("BUILD", "switch h2 has not confirmed its flows")
    scene.now += GRACE + 1
    assert scene.status() == ("ACTIVE", "")
    assert scene.status("b") == ("BUILD", "switch h2 has not confirmed its flows")


def test_a_wait_ends_when_nothing_is_in_the_making(scene: Scene) -> None:
    scene.statuses.wait(0, ["a", "b", "gone"], 30.0)
    scene.put(msgspec.structs.replace(port("a", "red", 1), name="new"))
    scene.computed("h1")
    hub.spawn_after(0.02, scene.confirmed, "h1")
    began = time.monotonic()
    scene.statuses.wait(0, ["a", "b"], 30.0)
    assert time.monotonic() - began < 25
    assert scene.status() == ("ACTIVE", "")


def test_a_wait_for_what_is_to_go_ends_when_every_switch_has_let_go(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    wait = scene.progress.wait
    monkeypatch.setattr(scene.progress, "wait", lambda timeout, _: (waits.append(timeout), wait(timeout)))

    def ends(*port_ids: str) -> bool:
        waits.clear()
        scene.statuses.wait(scene.model.revision, port_ids, 0.05)
        return not waits

    scene.put("port/b")
    assert not ends()  # no round has seen it
    scene.computed("h1")
    assert not ends("b")
    assert not ends()
    scene.confirmed("h1")
    assert ends("b")
    assert ends()
    scene.put(port("a", "red", 1, up=False))
    scene.computed("h1", "h2")
    scene.confirmed("h1")
    assert not ends("a")
    scene.progress.away("h2")
    scene.now += GRACE + 1
    assert ends("a")


def test_a_wait_ends_in_time(scene: Scene) -> None:
    scene.put(msgspec.structs.replace(port("a", "red", 1), name="new"))
    began = time.monotonic()
    scene.statuses.wait(0, ["a"], 0.05)
    assert 0.04 < time.monotonic() - began < 25
    assert scene.status()[0] == "BUILD"


def test_a_port_on_a_switch_whose_refusals_are_not_all_listed_is_not_active(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scene.progress, "doubt", lambda switch_id: "more than are listed" if switch_id == "h1" else "")
    assert scene.status() == ("BUILD", "more than are listed")
    assert scene.status("b")[0] == "ACTIVE"


def test_a_port_whose_ways_are_all_gone_is_down_and_says_why(scene: Scene) -> None:
    """A wire was cut, or an address of the underlay taken away."""
    scene.put(msgspec.structs.replace(switch(2), encap_ip=""))
    lost = "no tunnel and no links lead to its network's ports on switch "
    assert scene.status() == ("DOWN", f"{lost}h2")
    assert scene.status("b") == ("DOWN", f"{lost}h1")
    scene.put(port("c", "red", 3), plugged("c", 1, 2))  # beside a
    scene.computed("h1", "h2")
    scene.confirmed("h1", "h2")
    assert scene.status() == scene.status("c") == ("ACTIVE", f"{lost}h2")
    assert scene.status("b") == ("DOWN", f"{lost}h1")
    scene.put(switch(3), port("d", "red", 4), plugged("d", 3, 1), "port/c")
    scene.computed("h1", "h2", "h3")
    scene.confirmed("h1", "h2", "h3")
    assert scene.status() == ("ACTIVE", f"{lost}h2")
    scene.put(switch(2))
    assert [scene.status(each) for each in "abd"] == [("ACTIVE", "")] * 3


@pytest.fixture
def routed(scene: Scene) -> Scene:
    """With a router that has an interface, port `i`, in the network of both, and a gateway, port `g`."""
    gateway = Gateway("red", "g")
    scene.put(Router(id="r", project_id="red", number=1, segment=9, gateways=(gateway,)), port("i", "red", 8),
              port("g", "red", 9), RouterInterface(id="i", router_id="r", network_id="red"))  # fmt: skip
    return scene


@pytest.mark.parametrize("which", ["i", "g"])
def test_a_routers_port_is_active_without_an_interface_once_all_switches_have_its_flows(
    routed: Scene, which: str
) -> None:
    assert routed.status(which) == ("BUILD", "its flows are being computed")
    routed.computed("h1", "h2")
    routed.confirmed("h1")
    assert routed.status(which) == ("BUILD", "switch h2 has not confirmed its flows")
    routed.confirmed("h2")
    assert routed.status(which) == ("ACTIVE", "")
    routed.progress.refusing("h2", {"router/r": {7: "bad route"}})
    assert routed.status(which) == ("ERROR", "switch h2 refused a flow: bad route")


def test_the_ports_of_a_router_that_is_switched_off_are_down(routed: Scene) -> None:
    routed.put(Router(id="r", project_id="red", number=1, segment=9, admin_state_up=False))
    assert routed.status("i") == ("DOWN", "its router's admin state is down")


def test_a_port_that_only_says_that_it_is_a_routers_is_none(routed: Scene) -> None:
    said = msgspec.structs.replace(port("x", "red", 7), device_id="r", device_owner="network:router_interface")
    routed.put(said)
    assert routed.status("x") == ("DOWN", "no interface is plugged in")


@pytest.fixture
def translated(routed: Scene) -> Scene:
    """With a floating IP of `a`, whose host h1 has no bridge to the external network "blue"; h2 is the gateway."""
    external = msgspec.structs.replace(on_physical(network("blue"), 0), external=True)
    routed.put(external, port("f", "blue", 9), floating_ip("a"), GatewayRanking(id="r", switches=("h2",)))
    routed.computed("h1", "h2")
    return routed


def floating_ip(to: str) -> FloatingIp:
    return FloatingIp(
        id="f", project_id="red", floating_network_id="blue", floating_port_id="f", floating_ip_address="10.0.0.9",
        port_id=to, fixed_ip_address="10.0.0.1" if to else "", router_id="r" if to else "",
    )  # fmt: skip


def floating_status(scene: Scene) -> str:
    found = scene.model.get(FloatingIp, "f")
    assert found is not None
    return scene.statuses.floating(found)


def test_a_floating_ip_is_down_until_the_gateway_that_translates_it_has_confirmed_that(translated: Scene) -> None:
    assert translated.status("f") == ("N/A", "it is the address of a floating IP")
    translated.confirmed("h1")
    assert floating_status(translated) == "DOWN"
    translated.confirmed("h2")
    assert floating_status(translated) == "ACTIVE"
    translated.put(GatewayRanking(id="r", switches=("h1",), leaving="h2", used=False, announced=False))
    translated.computed("h1")
    assert floating_status(translated) == "ACTIVE", "while the gateway moves, the former one goes on"
    translated.progress.refusing("h2", {"floatingip/f": {7: "bad"}})
    assert floating_status(translated) == "ERROR"
    translated.put("gateway_ranking/r")
    translated.progress.refusing("h2", {})
    assert floating_status(translated) == "DOWN", "nobody translates it"


def test_a_floating_ip_of_a_port_whose_host_translates_it_waits_for_that_host(translated: Scene) -> None:
    translated.put(floating_ip(""), msgspec.structs.replace(switch(1), physical=(Physical("p1", 903),)))
    assert floating_status(translated) == "DOWN", "it is of no port"
    translated.put(floating_ip("a"))
    assert translated.model.placement.floating["f"][0] == "h1"
    translated.computed("h1", "h2")
    translated.confirmed("h2")
    assert floating_status(translated) == "DOWN"
    translated.confirmed("h1")
    assert floating_status(translated) == "ACTIVE"

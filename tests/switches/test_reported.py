"""What hypervisors and bare bridges report, as rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec
import pytest

from controller.model.model import Model
from controller.model.rows import (
    Bridge,
    GatewayHost,
    Interface,
    Learned,
    Network,
    Plugged,
    Port,
    Row,
    Switch,
    Tunnel,
    WatchPort,
)
from controller.ovsdb.seen import SeenHypervisor, SeenInterface, SeenWatch
from controller.runtime.errors import Conflict, Invalid
from controller.store.replica import applied
from controller.store.transaction import Transaction
from controller.switches.reported import adopted, adopted_id, bridges, forget, hypervisor, stale
from tests.apps.clouds import network, plugged, port, seen
from tests.world import change

T = TypeVar("T")
R = TypeVar("R", bound=Row)


def run(model: Model, rules: Callable[[Transaction], T]) -> T:
    """As `transact` with nobody else writing."""
    transaction = Transaction(model)
    value = rules(transaction)
    model.apply([applied(model.revision + 1, key, row) for key, row in transaction.write.items()])
    return value


def rows(model: Model, kind: type[R]) -> list[R]:
    return [row for _, row in sorted(model.rows(kind).items())]


def told(number: int = 1, *interfaces: SeenInterface, **more: object) -> SeenHypervisor:
    usual = SeenHypervisor(
        system_id=f"h{number}", host=f"host{number}", dpid=number, encap_ip=f"192.0.2.{number}",
        encap_types=("vxlan",), tunnels=(Tunnel("vxlan", 900),), interfaces=interfaces,
    )  # fmt: skip
    return msgspec.structs.replace(usual, **more)


A = SeenInterface(name="tap1", vif="vm-a", mac="", ofport=1)
B = SeenInterface(name="tap2", vif="vm-b", mac="02:00:00:00:00:01", ofport=2)


def test_bfd_sessions_become_rows_and_go_with_their_port_or_switch() -> None:
    model = Model()
    run(model, lambda tx: hypervisor(tx, told(1, watches=(SeenWatch("h2", 70, True), SeenWatch("h3", 71, False)))))
    assert rows(model, WatchPort) == [
        WatchPort(switch_id="h1", far_switch_id="h2", ofport=70),
        WatchPort(switch_id="h1", far_switch_id="h3", ofport=71, up=False),
    ]
    run(model, lambda tx: hypervisor(tx, told(1, watches=(SeenWatch("h2", 70, False),))))
    assert rows(model, WatchPort) == [WatchPort(switch_id="h1", far_switch_id="h2", ofport=70, up=False)]
    change(model, GatewayHost(id="h1", draining=True))
    run(model, lambda tx: forget(tx, rows(model, Switch)[0]))
    assert rows(model, WatchPort) == rows(model, GatewayHost) == []


def test_a_hypervisor_becomes_rows() -> None:
    model = Model()
    run(model, lambda tx: hypervisor(tx, told(1, A, B)))
    assert rows(model, Switch) == [
        Switch(id="h1", number=1, dpid=1, host="host1", encap_ip="192.0.2.1", tunnels=(Tunnel("vxlan", 900),))
    ]
    assert rows(model, Interface) == [
        Interface(switch_id="h1", name="tap1", vif="vm-a", mac="", ofport=1, since=1),
        Interface(switch_id="h1", name="tap2", vif="vm-b", mac="02:00:00:00:00:01", ofport=2, since=1),
    ]
    assert model.taken == dict.fromkeys(["taken/switch/1", "taken/host/host1", "taken/encap/192.0.2.1"], "switch/h1")


def test_what_is_known_is_not_written_again() -> None:
    model = Model()
    run(model, lambda tx: hypervisor(tx, told(1, A, B)))
    transaction = Transaction(model)
    hypervisor(transaction, told(1, A, B))
    assert transaction.write == {}


def test_a_vif_is_where_it_was_first_until_that_lets_go() -> None:
    model = Model()
    run(model, lambda tx: hypervisor(tx, told(1, A)))
    run(model, lambda tx: hypervisor(tx, told(2, A)))
    here, there = model.find(Interface, "vif", "vm-a")
    assert here.since > there.since
    run(model, lambda tx: hypervisor(tx, told(2, msgspec.structs.replace(A, ofport=7))))
    run(model, lambda tx: hypervisor(tx, told(1, msgspec.structs.replace(A, mac="02:00:00:00:00:05"))))
    here, there = model.find(Interface, "vif", "vm-a")
    assert here.since > there.since, "another number is no claim"
    run(model, lambda tx: hypervisor(tx, told(3, A)))
    assert [one.switch_id for one in by_claim(model)] == ["h1", "h2", "h3"], "in the order in which they came"
    run(model, lambda tx: hypervisor(tx, told(1, msgspec.structs.replace(A, ofport=9))))
    assert [one.switch_id for one in by_claim(model)] == ["h1", "h2", "h3"], "who has it may have it anew"
    run(model, lambda tx: hypervisor(tx, told(1)))
    run(model, lambda tx: hypervisor(tx, told(1, A)))
    assert [one.switch_id for one in by_claim(model)] == ["h2", "h3", "h1"], "who has let go comes last"


def by_claim(model: Model) -> list[Interface]:
    """The interfaces with the VIF of A, that which has it first."""
    return sorted(model.find(Interface, "vif", "vm-a"), key=lambda one: -one.since)


def pinned(host: str) -> Port:
    return msgspec.structs.replace(port("vm-a", "red", 1), host=host)


def holder(model: Model) -> str:
    at = model.placement.bindings.get("vm-a")
    return at.switch_id if at else ""


def test_a_live_port_is_taken_by_no_other_host_but_one_that_a_binding_names() -> None:
    model = Model()
    change(model, network("red"), pinned(""))
    run(model, lambda tx: hypervisor(tx, told(1, A)))
    run(model, lambda tx: hypervisor(tx, told(2, A)))
    assert holder(model) == "h1"
    change(model, pinned("host2"))
    assert holder(model) == "h2", "as in a live migration: plugged in at both, then activated"
    run(model, lambda tx: hypervisor(tx, told(1)))
    change(model, pinned(""))
    assert holder(model) == "h2"


def test_an_impostor_that_was_there_first_does_not_outlast_a_binding() -> None:
    model = Model()
    change(model, network("red"), pinned("host1"))
    run(model, lambda tx: hypervisor(tx, told(2, A)))
    assert holder(model) == ""
    run(model, lambda tx: hypervisor(tx, told(1, A)))
    assert holder(model) == "h1"
    change(model, pinned(""))
    assert holder(model) == "h1"


def test_ports_whose_vif_was_in_two_places_before_an_upgrade_stay_where_they_are() -> None:
    """A former version had the newest one have it: so it stays, and only newcomers wait."""
    model = Model()
    change(model, network("red"), pinned(""))
    for number, since in ((1, 5), (2, 9)):
        run(model, lambda tx, number=number: hypervisor(tx, told(number)))  # type: ignore[misc]
        change(model, Interface(switch_id=f"h{number}", name="tap1", vif="vm-a", ofport=1, since=since))
    assert holder(model) == "h2"
    for number in (1, 2):
        run(model, lambda tx, number=number: hypervisor(tx, told(number, A)))  # type: ignore[misc]
    run(model, lambda tx: hypervisor(tx, told(3, A)))
    assert holder(model) == "h2"


def test_a_host_name_and_a_tunnel_address_are_one_hypervisors() -> None:
    model = Model()
    run(model, lambda tx: hypervisor(tx, told(1)))
    run(model, lambda tx: hypervisor(tx, told(2, host="host1", encap_ip="192.0.2.1")))
    second = model.rows(Switch)["h2"]
    assert (second.host, second.encap_ip, second.tunnels) == ("h2", "", ())
    assert second.refused == ("host name host1: h1 has it", "tunnel address 192.0.2.1: h1 has it")
    assert model.rows(Switch)["h1"] == msgspec.structs.replace(model.rows(Switch)["h1"], host="host1", refused=())
    run(model, lambda tx: hypervisor(tx, told(1, host="host7", encap_ip="192.0.2.7")))
    run(model, lambda tx: hypervisor(tx, told(2, host="host1", encap_ip="192.0.2.1")))
    second = model.rows(Switch)["h2"]
    assert (second.host, second.encap_ip, second.refused) == ("host1", "192.0.2.1", ())
    assert second.tunnels == (Tunnel("vxlan", 900),)
    run(model, lambda tx: forget(tx, model.rows(Switch)["h1"]))
    run(model, lambda tx: hypervisor(tx, told(3, host="host7", encap_ip="192.0.2.7")))
    assert model.rows(Switch)["h3"].refused == ()
    assert set(model.taken) == {
        *(f"taken/switch/{number}" for number in (1, 2)), "taken/host/host1", "taken/host/host7",
        "taken/encap/192.0.2.1", "taken/encap/192.0.2.7",
    }  # fmt: skip


def test_a_host_name_is_no_others_system_id_and_the_other_way_round() -> None:
    model = Model()
    run(model, lambda tx: hypervisor(tx, told(1)))
    run(model, lambda tx: hypervisor(tx, told(2, host="h1")))
    assert model.rows(Switch)["h2"].refused == ("host name h1: h1 has it",)
    with pytest.raises(Conflict, match="the system-id host1 is the host name of h1"):
        run(model, lambda tx: hypervisor(tx, told(3, system_id="host1")))


def test_a_bridge_without_a_database_takes_no_hosts_name() -> None:
    model = Model()
    run(model, lambda tx: adopted(tx, 9, {"tap1": 1}, "host1"))
    assert model.rows(Switch)[adopted_id(9)].host == "host1"
    run(model, lambda tx: hypervisor(tx, told(1)))
    assert model.rows(Switch)["h1"].host == "host1", "a bridge does not keep it from a hypervisor"
    run(model, lambda tx: adopted(tx, 9, {"tap1": 1}, "host1"))
    assert model.rows(Switch)[adopted_id(9)].host == adopted_id(9)


def test_what_two_have_since_a_former_version_both_keep() -> None:
    model = Model()
    for number in (1, 2):
        change(model, Switch(id=f"h{number}", number=number, dpid=number, host="same", encap_ip="192.0.2.1"))
    for number in (2, 1):
        run(model, lambda tx, number=number: hypervisor(tx, told(number, host="same", encap_ip="192.0.2.1")))  # type: ignore[misc]
    assert [(row.host, row.encap_ip, row.refused) for row in rows(model, Switch)] == [("same", "192.0.2.1", ())] * 2


def test_a_bridge_that_one_database_has_told_of_is_no_others_where_they_prove_who_they_are() -> None:
    model = Model()
    bridge = Bridge(id=adopted_id(1), system_id="mn", name="s1")
    run(model, lambda tx: bridges(tx, "mn", [bridge], True))
    lie = msgspec.structs.replace(bridge, system_id="liar")
    assert run(model, lambda tx: bridges(tx, "liar", [lie], True)) == [adopted_id(1)]
    assert rows(model, Bridge) == [bridge]
    assert run(model, lambda tx: bridges(tx, "liar", [lie])) == []
    assert rows(model, Bridge) == [lie]


def test_only_what_changed_is_written() -> None:
    model = Model()
    run(model, lambda tx: hypervisor(tx, told(1, A, B)))
    transaction = Transaction(model)
    hypervisor(transaction, told(1, msgspec.structs.replace(A, ofport=9)))
    assert transaction.write.keys() == {"interface/h1/tap1", "interface/h1/tap2"}
    assert transaction.write["interface/h1/tap2"] is None


def test_numbers_are_small_and_used_again() -> None:
    model = Model()
    for number in (1, 2, 3):
        run(model, lambda tx, number=number: hypervisor(tx, told(number)))  # type: ignore[misc]
    run(model, lambda tx: forget(tx, model.rows(Switch)["h2"]))
    run(model, lambda tx: hypervisor(tx, told(7)))
    assert [(row.id, row.number) for row in rows(model, Switch)] == [("h1", 1), ("h3", 3), ("h7", 2)]
    run(model, lambda tx: hypervisor(tx, told(3, encap_ip="192.0.2.99")))
    assert model.rows(Switch)["h3"].number == 3


def test_a_bare_bridge_is_adopted_by_the_names_of_its_ports() -> None:
    model = Model()
    run(model, lambda tx: adopted(tx, 0x1F, {"s1-eth1": 1, "s1-eth2": 2}))
    assert rows(model, Switch) == [Switch(id="000000000000001f", number=1, dpid=31, host="000000000000001f")]
    assert [(row.name, row.vif, row.ofport) for row in rows(model, Interface)] == [
        ("s1-eth1", "s1-eth1", 1), ("s1-eth2", "s1-eth2", 2),
    ]  # fmt: skip
    run(model, lambda tx: adopted(tx, 0x1F, {"s1-eth2": 2}))
    assert [row.name for row in rows(model, Interface)] == ["s1-eth2"]


def test_an_adopted_bridge_becomes_its_databases() -> None:
    model = Model()
    run(model, lambda tx: adopted(tx, 1, {"tap1": 1, "tap7": 7}))
    run(model, lambda tx: hypervisor(tx, told(1, A)))
    assert [row.id for row in rows(model, Switch)] == ["h1"]
    assert [row.key for row in rows(model, Interface)] == ["interface/h1/tap1"]
    assert set(model.taken.values()) == {"switch/h1"}
    run(model, lambda tx: adopted(tx, 1, {"tap1": 1}))
    assert [row.id for row in rows(model, Switch)] == ["h1"]


def test_a_hypervisor_with_the_name_of_an_adopted_bridge() -> None:
    model = Model()
    run(model, lambda tx: adopted(tx, 1, {"tap1": 1}))
    run(model, lambda tx: hypervisor(tx, told(1, A, system_id=adopted_id(1))))
    assert [(row.id, row.host) for row in rows(model, Switch)] == [(adopted_id(1), "host1")]
    assert set(model.taken.values()) == {f"switch/{adopted_id(1)}"}
    assert [row.vif for row in rows(model, Interface)] == ["vm-a"]


def test_two_hypervisors_cannot_be_one_datapath() -> None:
    model = Model()
    run(model, lambda tx: hypervisor(tx, told(1)))
    with pytest.raises(Conflict, match="h1 has the datapath id 0000000000000001 of h2 already"):
        run(model, lambda tx: hypervisor(tx, told(2, dpid=1)))


@pytest.mark.parametrize("name", ["a/b", "x" * 256])
def test_a_system_id_that_cannot_be_a_key(name: str) -> None:
    with pytest.raises(Invalid) as caught:
        run(Model(), lambda tx: hypervisor(tx, told(1, system_id=name)))
    assert len(str(caught.value)) < 200


def learned_cloud() -> Model:
    model = Model()
    run(model, lambda tx: hypervisor(tx, told(1)))
    change(model, network("red"), port("lea", "red", 3, learning=True), plugged("lea", 1, 1))
    change(model, seen("lea", "red", 1, 1, "02:00:00:00:00:01"))
    return model


def test_what_was_learned_stays_while_the_port_is_where_it_was() -> None:
    model = learned_cloud()
    run(model, lambda tx: stale(tx, "lea"))
    assert len(rows(model, Learned)) == 1


@pytest.mark.parametrize("gone", ["interface/h1/tap-lea", "port/lea", "network/red", plugged("lea", 1, 2)])
def test_what_was_learned_goes_with_the_plug(gone: str | Row) -> None:
    model = learned_cloud()
    change(model, gone)
    run(model, lambda tx: stale(tx, "lea"))
    left = rows(model, Learned)
    assert left == [] or (gone == "network/red" and rows(model, Port) and not rows(model, Network))


def test_an_adopted_bridge_has_the_vifs_of_its_database_whichever_comes_first() -> None:
    said = Bridge(id=adopted_id(1), system_id="mn", name="s1", interfaces=(
        Plugged("s1-eth1", "vm-a", "02:00:00:00:00:0a"), Plugged("s1-eth2", "s1-eth2", speed=10**10),
        Plugged("gone", "vm-b"),
    ))  # fmt: skip
    ports = {"s1-eth1": 1, "s1-eth2": 2}
    steps: list[Callable[[Transaction], None]] = [
        lambda tx: adopted(tx, 1, ports, "s1"), lambda tx: bridges(tx, "mn", [said])
    ]  # fmt: skip
    for order in (steps, steps[::-1]):
        model = Model()
        for step in order:
            run(model, step)
        assert [(row.name, row.vif, row.mac, row.ofport) for row in rows(model, Interface)] == [
            ("s1-eth1", "vm-a", "02:00:00:00:00:0a", 1), ("s1-eth2", "s1-eth2", "", 2),
        ]  # fmt: skip
        revision = model.revision
        for step in order:
            run(model, step)
        assert model.revision == revision, "what is known is not written again"
    run(model, lambda tx: bridges(tx, "other", []))
    assert [row.vif for row in rows(model, Interface)] == ["vm-a", "s1-eth2"], "another database says nothing of it"
    run(model, lambda tx: bridges(tx, "mn", []))
    assert [row.vif for row in rows(model, Interface)] == ["s1-eth1", "s1-eth2"]
    assert not rows(model, Bridge)


def test_nothing_is_left_of_a_bridge_that_is_forgotten() -> None:
    model = Model()
    run(model, lambda tx: adopted(tx, 1, {"s1-eth1": 1}, "s1"))
    run(model, lambda tx: bridges(tx, "mn", [Bridge(id=adopted_id(1), system_id="mn", name="s1")]))
    run(model, lambda tx: forget(tx, model.rows(Switch)[adopted_id(1)]))
    assert not any(rows(model, kind) for kind in (Switch, Bridge, Interface)) and not model.taken

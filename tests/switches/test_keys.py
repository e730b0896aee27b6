"""Keys of logical ports: which interface has which, in the store."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from controller.model.keys import ALLOTTED, NO_PORTS, PLAIN
from controller.model.model import Model
from controller.model.placement import BLOCK
from controller.model.rows import Interface, Learned
from controller.ovsdb.seen import SeenInterface
from controller.runtime.errors import Conflict
from controller.store.transaction import Transaction
from controller.switches.learning import HeardAddress, learn
from controller.switches.reported import adopted, forget, hypervisor, required
from tests.apps.clouds import network, plugged, port, switch
from tests.switches.test_reported import rows, run, told
from tests.world import change

FIRST = ALLOTTED.start


def interface(number: int, ofport: int) -> SeenInterface:
    return SeenInterface(name=f"tap{number}", vif=f"vm{number}", mac="", ofport=ofport)


def keys(model: Model, switch_id: str = "h1") -> dict[int, int]:
    """OpenFlow port to key."""
    return {row.ofport: row.port_key for row in model.find(Interface, "switch_id", switch_id)}


def reserved(model: Model) -> dict[str, str]:
    return {key: holder for key, holder in model.taken.items() if key.startswith("taken/key/")}


def test_the_ranges_are_apart_and_fit_sixteen_bits() -> None:
    assert PLAIN < ALLOTTED.start < ALLOTTED.stop <= NO_PORTS.start < NO_PORTS.stop <= 0xFFFF


def test_a_small_openflow_port_is_its_own_key() -> None:
    model = Model()
    run(model, lambda tx: hypervisor(tx, told(1, interface(1, 1), interface(2, PLAIN))))
    assert keys(model) == {1: 1, PLAIN: PLAIN} and reserved(model) == {}


def test_a_large_one_is_allotted_the_smallest_that_is_free_and_keeps_it() -> None:
    model = Model()
    run(model, lambda tx: hypervisor(tx, told(1, interface(1, 50_000), interface(2, PLAIN + 1))))
    assert keys(model) == {50_000: FIRST, PLAIN + 1: FIRST + 1}
    assert reserved(model) == {
        f"taken/key/h1/{FIRST}": "interface/h1/tap1",
        f"taken/key/h1/{FIRST + 1}": "interface/h1/tap2",
    }
    run(model, lambda tx: hypervisor(tx, told(2, interface(1, 50_000))))
    assert keys(model, "h2") == {50_000: FIRST}, "a switch's own"
    run(model, lambda tx: hypervisor(tx, told(1, interface(2, PLAIN + 1), interface(3, 40_000))))
    assert keys(model) == {PLAIN + 1: FIRST + 1, 40_000: FIRST}
    transaction = Transaction(model)
    hypervisor(transaction, told(1, interface(2, PLAIN + 1), interface(3, 40_000)))
    assert transaction.write == {}


def test_a_key_is_given_back_with_the_interface_its_large_port_or_its_switch() -> None:
    model = Model()
    run(model, lambda tx: hypervisor(tx, told(1, interface(1, 50_000), interface(2, 50_001))))
    run(model, lambda tx: hypervisor(tx, told(1, interface(1, 7), interface(2, 50_001))))
    assert keys(model) == {7: 7, 50_001: FIRST + 1} and list(reserved(model)) == [f"taken/key/h1/{FIRST + 1}"]
    run(model, lambda tx: forget(tx, required(tx, "h1")))
    assert reserved(model) == {}


def test_bridges_that_openflow_alone_tells_of() -> None:
    model = Model()
    run(model, lambda tx: adopted(tx, 1, {"s1-eth1": 1, "s1-eth2": 60_000}))
    assert keys(model, f"{1:016x}") == {1: 1, 60_000: FIRST}


def test_a_row_of_an_earlier_version_has_its_openflow_port_until_it_is_written_again() -> None:
    model = Model()
    change(model, switch(1), Interface(switch_id="h1", name="tap1", vif="vm1", ofport=FIRST))
    assert keys(model) == {FIRST: FIRST}
    run(model, lambda tx: hypervisor(tx, told(1, interface(1, FIRST), interface(2, 50_000))))
    found = keys(model)
    assert len(set(found.values())) == 2 and set(found.values()) <= set(ALLOTTED)
    assert len(reserved(model)) == 2


def test_reservations_that_an_earlier_version_left_behind_are_void() -> None:
    model = Model()
    run(model, lambda tx: hypervisor(tx, told(1, interface(1, 50_000), interface(2, 50_001))))
    at = {row.name: row for row in model.find(Interface, "switch_id", "h1")}
    change(model, replace(at["tap1"], allotted=0), at["tap2"].key)  # it has written the one and deleted the other
    assert keys(model) == {50_000: 50_000} and len(reserved(model)) == 2
    run(model, lambda tx: hypervisor(tx, told(1, interface(1, 50_000), interface(3, 50_003))))
    assert keys(model) == {50_000: FIRST, 50_003: FIRST + 1}
    assert reserved(model) == {
        f"taken/key/h1/{FIRST}": "interface/h1/tap1",
        f"taken/key/h1/{FIRST + 1}": "interface/h1/tap3",
    }


def test_none_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.model.keys.ALLOTTED", range(FIRST, FIRST + 1))
    model = Model()
    run(model, lambda tx: hypervisor(tx, told(1, interface(1, 50_000))))
    with pytest.raises(Conflict, match="no logical port key is free on switch h1"):
        run(model, lambda tx: hypervisor(tx, told(1, interface(1, 50_000), interface(2, 50_001))))
    assert keys(model) == {50_000: FIRST}


def test_blocks_of_floods_are_by_key() -> None:
    model = Model()
    change(model, switch(1), network("red"), port("alice", "red", 1), replace(plugged("alice", 1, 7), allotted=40_000))
    assert model.placement.blocks.of(("h1", "red")) == [40_000 // BLOCK]


def test_what_is_heard_is_learned_at_the_logical_port() -> None:
    """Two learning ports behind one OpenFlow port: the key of the packet-in says which."""
    model = Model()
    change(
        model, switch(1), network("red"),
        port("lea", "red", 3, learning=True), replace(plugged("lea", 1, 7), allotted=40_001),
        port("leo", "red", 4, learning=True), replace(plugged("leo", 1, 7), allotted=40_002),
    )  # fmt: skip
    address = "02:00:00:00:00:aa"
    assert not run(model, lambda tx: learn(tx, HeardAddress("h1", 7, address)))
    assert run(model, lambda tx: learn(tx, HeardAddress("h1", 40_002, address)))
    assert [one.port_id for one in rows(model, Learned)] == ["leo"]

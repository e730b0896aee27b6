"""Which source addresses are written down, and where."""

from __future__ import annotations

import pytest

from apps.learn import LIMIT
from controller.model.model import Applied, Model
from controller.model.rows import Learned
from controller.store.transaction import Transaction
from controller.switches.learning import HeardAddress, learn, source
from tests.apps.clouds import mac, network, plugged, port, seen, switch
from tests.switches.test_reported import rows, run
from tests.world import change

NEW = "02:00:00:00:00:aa"


@pytest.fixture
def model() -> Model:
    """Lea and Leo learn, on one switch; Bob has addresses of his own."""
    model = Model()
    change(
        model, switch(1), network("red"), network("blue"),
        port("lea", "red", 3, learning=True), plugged("lea", 1, 1),
        port("leo", "red", 4, learning=True), plugged("leo", 1, 2),
        port("bob", "red", 2), plugged("bob", 1, 3),
    )  # fmt: skip
    model.apply([
        Applied(9, f"taken/mac/red/{mac(2)}", "port/bob"), Applied(9, f"taken/mac/red/{mac(3)}", "port/lea"),
    ])  # fmt: skip
    return model


def hear(model: Model, address: str = NEW, ofport: int = 1) -> bool:
    return run(model, lambda tx: learn(tx, HeardAddress("h1", ofport, address)))


def test_an_address_is_written_down_where_it_was_heard(model: Model) -> None:
    assert hear(model)
    assert rows(model, Learned) == [seen("lea", "red", 1, 1, NEW)]
    assert not hear(model)


def test_an_address_moves(model: Model) -> None:
    assert hear(model) and hear(model, ofport=2)
    assert rows(model, Learned) == [seen("leo", "red", 1, 2, NEW)]


def test_a_declared_address_is_never_learned(model: Model) -> None:
    assert not hear(model, mac(2))


def test_a_declared_address_is_never_learned_while_its_owner_is_unplugged(model: Model) -> None:
    change(model, "interface/h1/tap-bob")
    assert not hear(model, mac(2))


def test_the_address_for_the_record_of_a_learning_port_may_be_learned(model: Model) -> None:
    assert hear(model, mac(3)) and hear(model, mac(3), ofport=2)


def test_an_attached_address_needs_no_learning(model: Model) -> None:
    change(model, plugged("lea", 1, 1, attached=NEW))
    assert not hear(model)


@pytest.mark.parametrize("ofport", [3, 77])
def test_nothing_is_learned_where_no_learning_port_is(model: Model, ofport: int) -> None:
    assert not hear(model, ofport=ofport)


def test_nothing_is_learned_at_a_port_that_is_elsewhere_now(model: Model) -> None:
    change(model, plugged("lea", 1, 8))
    assert not hear(model) and hear(model, ofport=8)


@pytest.mark.parametrize("attached", [0, 1])
def test_a_port_has_at_most_so_many(model: Model, attached: int) -> None:
    if attached:
        change(model, plugged("lea", 1, 1, attached=NEW))
    for number in range(LIMIT - attached):
        assert hear(model, f"02:00:00:00:02:{number:02x}")
    assert not hear(model, "02:00:00:00:03:00")
    assert hear(model, "02:00:00:00:03:00", ofport=2)
    assert not hear(model, "02:00:00:00:03:00")  # nor does it take what is known elsewhere


def test_what_was_learned_at_another_plug_does_not_count(model: Model) -> None:
    change(model, *(seen("lea", "red", 1, 9, f"02:00:00:00:02:{number:02x}") for number in range(LIMIT)))
    assert hear(model)


def test_what_it_relied_on_is_read(model: Model) -> None:
    """The store refuses the commit when the port, the network or a row of this address has changed meanwhile."""
    transaction = Transaction(model)
    assert learn(transaction, HeardAddress("h1", 1, NEW))
    assert {"port/lea", "network/red", f"learned/red/{NEW}"} <= transaction.read.keys()


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        ("ffffffffffff 0200000000aa 0800", NEW),
        ("ffffffffffff 0100000000aa 0800", ""),
        ("ffffffffffff ffffffffffff 0800", ""),
        ("ffffffffffff 000000000000 0800", ""),
        ("ffffffffffff 02000000", ""),
        ("", ""),
    ],
)
def test_the_source_of_a_frame(octets: str, expected: str) -> None:
    assert source(bytes.fromhex(octets)) == expected

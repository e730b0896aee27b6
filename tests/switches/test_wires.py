"""Which ports are ends of wires, as the OVSDB side asks, and what it tells of their MTU."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from controller.model.mtu import wire_mtu
from controller.model.rows import Link, Row, Switch
from controller.store import open_store
from controller.store.replica import Replica
from controller.store.store import Store
from controller.store.transaction import transact
from controller.switches.discovery.wires import Wires
from controller.switches.reported import hypervisor
from tests.switches.test_reported import told

WIRE = Link(switch_id="h1", ofport=3, far_switch_id="h2", far_ofport=4)
BACK = Link(switch_id="h2", ofport=4, far_switch_id="h1", far_ofport=3)


class Bench:
    def __init__(self, store: Store) -> None:
        self.store, self.replica = store, Replica(store)
        self.replica.start()
        self.wires = Wires(store, self.replica)
        self.moved: list[int] = []
        self.wires.listen(self.moved.extend)
        for number in (1, 2):
            transact(store, self.replica, lambda tx, number=number: hypervisor(tx, told(number)))  # type: ignore[misc]

    def put(self, *rows: Row) -> None:
        transact(self.store, self.replica, lambda tx: [tx.put(row) for row in rows])

    def mtus(self) -> dict[str, int]:
        return {row_id: row.wire_mtu for row_id, row in self.replica.model.rows(Switch).items()}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    store = open_store(f"sqlite:///{tmp_path}/tenet.db")
    bench = Bench(store)
    yield bench
    bench.replica.stop()
    store.close()


def test_ports_are_ends_of_wires_once_both_ends_say_so_and_both_databases_are_told(bench: Bench) -> None:
    bench.put(WIRE)
    assert list(bench.wires.ports(1)) == [] and not bench.moved
    bench.put(BACK)
    assert (list(bench.wires.ports(1)), list(bench.wires.ports(2)), list(bench.wires.ports(9))) == ([3], [4], [])
    assert sorted(bench.moved) == [1, 2]
    bench.put(replace(WIRE, state="down"))
    assert list(bench.wires.ports(2)) == [] and sorted(bench.moved) == [1, 1, 2, 2]


def test_what_wires_carry_is_written_once_and_stays_when_the_database_tells_of_other_things(bench: Bench) -> None:
    bench.wires.observe(((1, 1500), (9, 1400)))
    assert bench.mtus() == {"h1": 1500, "h2": 0}
    revision = bench.replica.model.revision
    bench.wires.observe(((1, 1500), (9, 1300)))
    assert bench.replica.model.revision == revision
    transact(bench.store, bench.replica, lambda tx: hypervisor(tx, told(1, host="renamed")))
    assert bench.mtus() == {"h1": 1500, "h2": 0}
    bench.wires.observe(((1, 0),))
    assert bench.mtus() == {"h1": 0, "h2": 0}


def test_wires_are_to_carry_a_tenants_largest_packet_its_header_and_two_labels() -> None:
    assert wire_mtu(9000) == 9000 - 50 + 14 + 8

"""Rows of databases that follow from the model: computed again when what was read changes, and not otherwise."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from controller.compile.catalogue import row_units
from controller.compile.database_rows import DatabaseRows, RowUnits
from controller.model.model import Model
from controller.model.reader import Reader
from controller.model.rows import Link, Port, Row, Switch
from controller.ovsdb.wanted import AtLeast, InterfaceAt, OwnRow, WantedRow
from tests.apps.clouds import network, plugged, port, switch
from tests.world import change


def queue(subject: Port, see: Reader) -> Iterator[WantedRow]:
    """A queue for each port that is plugged in."""
    at = see.binding(subject)
    if at is not None:
        yield WantedRow(OwnRow("Queue", subject.id), {"other_config": {"max-rate": str(at.ofport)}})


class Bench:
    def __init__(self, units: RowUnits) -> None:
        self.model = Model()
        self.rows = DatabaseRows(self.model, units)
        self.moved: list[int] = []
        self.rows.listen(self.moved.extend)

    def put(self, *rows: Row | str) -> list[int]:
        """The datapaths that it is told of."""
        self.moved.clear()
        self.rows.changed(change(self.model, *rows))
        return sorted(self.moved)

    def keys(self, dpid: int) -> dict[str, str]:
        return {row.place.key: row.columns["other_config"]["max-rate"] for row in self.rows.of(dpid) or ()}  # type: ignore


@pytest.fixture
def bench() -> Bench:
    made = Bench({"port": [queue]})
    made.put(switch(1), switch(2), network("red"), network("blue"))
    made.put(*(port(f"vm{n}", "red", n) for n in (1, 2, 3)))
    made.put(plugged("vm1", 1, 1), plugged("vm2", 1, 2), plugged("vm3", 2, 3))
    return made


def test_rows_follow_from_the_objects_at_a_switch(bench: Bench) -> None:
    assert bench.rows.of(9) is None
    assert (bench.keys(1), bench.keys(2)) == ({"vm1": "1", "vm2": "2"}, {"vm3": "3"})


def test_only_what_read_a_change_is_computed_again_and_its_datapath_told(bench: Bench) -> None:
    bench.keys(1), bench.keys(2)
    before = bench.rows.computed
    assert bench.keys(1) and bench.rows.computed == before
    assert bench.put(plugged("vm2", 1, 7)) == [1]
    assert bench.keys(1) == {"vm1": "1", "vm2": "7"} and bench.keys(2)
    assert bench.rows.computed - before <= 2, "the port, and its block"
    assert bench.put(port("other", "blue", 5)) == []
    assert 2 in bench.put("port/vm3") and bench.keys(2) == {} and bench.keys(1)
    assert 1 in bench.put(plugged("vm4", 1, 4), port("vm4", "blue", 6)) and "vm4" in bench.keys(1)


def test_a_switch_is_told_of_when_it_comes_and_forgotten_when_it_goes(bench: Bench) -> None:
    assert bench.put(switch(3)) == [3] and bench.rows.of(3) == ()
    for dpid in (1, 2):
        bench.keys(dpid)
    bench.put(*(f"switch/h{n}" for n in (1, 2, 3)))
    assert bench.rows.of(1) is None and bench.rows.empty


def test_a_unit_that_raises_costs_its_own_rows_until_what_it_read_changes(caplog: pytest.LogCaptureFixture) -> None:
    def fails(subject: Port, see: Reader) -> Iterator[WantedRow]:
        yield from queue(subject, see)
        if subject.name == "bad":
            raise KeyError("a fault of ours")

    bench = Bench({"port": [fails]})
    rows = [switch(1), network("red"), port("vm1", "red", 1), port("vm2", "red", 2)]
    bench.put(*rows, plugged("vm1", 1, 1), plugged("vm2", 1, 2))
    with caplog.at_level(logging.ERROR):
        bench.put(replace(port("vm1", "red", 1), name="bad"))
        assert bench.keys(1) == {"vm2": "2"} and "no rows of a database for ('port', 'vm1')" in caplog.text
        bench.put(port("vm1", "red", 1))
        assert bench.keys(1) == {"vm1": "1", "vm2": "2"}


def test_ends_of_wires_are_to_carry_labelled_frames() -> None:
    bench = Bench(row_units(8972))
    bench.put(Switch(id="a", number=1, dpid=1), Switch(id="b", number=2, dpid=2))
    assert bench.rows.of(1) == ()
    bench.put(Link(switch_id="a", ofport=3, far_switch_id="b", far_ofport=4))
    assert bench.put(Link(switch_id="b", ofport=4, far_switch_id="a", far_ofport=3)) == [1]
    assert bench.rows.of(1) == (WantedRow(InterfaceAt(1, 3), {"mtu_request": AtLeast(8972, "mtu")}),)
    assert bench.rows.of(2) == (WantedRow(InterfaceAt(2, 4), {"mtu_request": AtLeast(8972, "mtu")}),)
    assert bench.put("link/a/3") == [1, 2] and bench.rows.of(1) == ()

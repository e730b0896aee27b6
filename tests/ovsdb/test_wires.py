"""The MTU of wires' ends: asked for where it is too small, told as it is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import cast

import pytest

from controller.model.reader import Reader
from controller.model.rows import Switch
from controller.ovsdb.operations import Repair
from controller.ovsdb.units import has, unit_repairs
from controller.ovsdb.wanted import WantedRow
from controller.ovsdb.wires import WireMtus, wire_mtus
from tests.ovsdb.database import Database
from tests.ovsdb.test_desired import IDS, put_right
from topology import wire_mtu

DPID = 0xA


class Wired:
    """Ports 3 and 4 of one datapath are ends of wires."""

    def __init__(self) -> None:
        self.told: list[WireMtus] = []

    def ports(self, dpid: int) -> Collection[int]:
        return [3, 4] if dpid == DPID else []

    def observe(self, mtus: WireMtus) -> None:
        self.told.append(mtus)

    def listen(self, moved: Callable[[Sequence[int]], None]) -> None: ...


class Ends:
    """The reader of a switch with these ends of wires."""

    def link_ports(self) -> list[int]:
        return [3, 4]


def wire_repairs(db: Database) -> list[Repair]:
    """What follows from the unit that raises MTUs."""
    rows: list[WantedRow] = list(wire_mtu.switch(Switch(id="h", number=1, dpid=DPID), cast(Reader, Ends()), 8972))
    return unit_repairs(db.replica, rows).repairs


@pytest.fixture
def db() -> Database:
    """br-int, and a bridge that somebody else made; both have ports 3, 4 and 5."""
    made = Database(**IDS)
    put_right(made)
    made.update("Bridge", made.find("Bridge", "br-int"), datapath_id=f"{DPID:016x}")
    return made


def plug(db: Database, ofport: int, mtu: int, request: int = 0) -> str:
    asked = {"mtu_request": request} if request else {}
    return db.plug("br-int", f"eth{ofport}", ofport=ofport, mtu=mtu, **asked)


def test_ends_of_wires_are_asked_to_carry_what_is_needed_and_nothing_else_is(db: Database) -> None:
    for ofport, mtu in ((3, 1500), (4, 9000), (5, 1500)):
        plug(db, ofport, mtu)
    [repair] = wire_repairs(db)
    assert (repair.subject, repair.why) == ("Interface eth3", "mtu_request: mtu is 1500, 8972 needed")
    db.transact(repair.operations)
    assert db.row("Interface", "eth3")["mtu_request"] == 8972
    assert db.row("Interface", "eth5")["mtu_request"] == ["set", []]
    assert wire_repairs(db) == []  # whether the device could or not
    assert wire_mtus(db.replica, Wired()) == ((DPID, 1500),)
    db.update("Interface", db.find("Interface", "eth3"), mtu=8972)
    assert wire_mtus(db.replica, Wired()) == ((DPID, 8972),)


def test_a_larger_request_of_the_operators_stays(db: Database) -> None:
    plug(db, 3, 1500, request=9100)
    assert wire_repairs(db) == []


def test_a_bridge_without_wires_or_with_ones_that_tell_nothing(db: Database) -> None:
    plug(db, 3, 0)
    plug(db, 5, 100)
    assert wire_mtus(db.replica, Wired()) == ((DPID, 0),)
    assert wire_repairs(db) == []
    db.update("Bridge", db.find("Bridge", "br-int"), datapath_id=["set", []])
    assert wire_mtus(db.replica, Wired()) == () and not has(db.replica, [DPID])


def test_whose_bridge_it_is(db: Database) -> None:
    assert has(db.replica, [1, DPID]) and not has(db.replica, [1])

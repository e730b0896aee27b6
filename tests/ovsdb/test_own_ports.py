"""Tenet's own ports: made, kept right, removed, and told of; what somebody else has under the name is left alone."""

from __future__ import annotations

import pytest

from controller.ovsdb.describe import describe
from controller.ovsdb.own_ports import KEY
from controller.ovsdb.seen import SeenWatch
from controller.ovsdb.units import unit_repairs
from controller.ovsdb.wanted import WATCHES, OwnPort, WantedRow
from tests.ovsdb.database import Database, pairs
from tests.ovsdb.test_desired import IDS, put_right
from tests.ovsdb.test_units import settle

DPID = 0xA
NAME = "tenet-b-2"


def watching(interval: str = "200", dpid: int = DPID) -> WantedRow:
    options = {"remote_ip": "192.0.2.2", "key": "16777215"}
    columns = {"type": "vxlan", "options": options, "bfd": {"enable": "true", "min_rx": interval}}
    return WantedRow(OwnPort(dpid, NAME), {**columns, "external_ids": {WATCHES: "hv2"}})


@pytest.fixture
def db() -> Database:
    made = Database(**IDS)
    put_right(made)
    made.update("Bridge", made.find("Bridge", "br-int"), datapath_id=f"{DPID:016x}")
    return made


def test_a_port_is_made_with_its_interface_and_removed(db: Database) -> None:
    before = len(db.row("Bridge", "br-int")["ports"][1])
    assert settle(db, [watching()]) == [f"port {NAME}: missing"]
    interface = db.row("Interface", NAME)
    assert interface["type"] == "vxlan" and dict(interface["bfd"][1]) == {"enable": "true", "min_rx": "200"}
    assert dict(interface["external_ids"][1]) == {WATCHES: "hv2", KEY: NAME}
    assert len(db.row("Bridge", "br-int")["ports"][1]) == before + 1
    assert settle(db, [watching()]) == []
    assert settle(db, []) == [f"port {NAME}: not wanted"]
    assert settle(db, []) == []


def test_foreign_edits_of_it_are_put_right(db: Database) -> None:
    settle(db, [watching()])
    held = db.find("Interface", NAME)
    db.update("Interface", held, bfd=pairs({"enable": "false"}), external_ids=pairs({KEY: NAME, "x": "y"}))
    assert settle(db, [watching()]) == [f"port {NAME}: wrong bfd external_ids"]
    assert dict(db.row("Interface", NAME)["external_ids"][1]) == {WATCHES: "hv2", KEY: NAME, "x": "y"}
    assert settle(db, [watching("300")]) == [f"port {NAME}: wrong bfd"]


def test_a_port_of_somebody_elses_is_left_alone(db: Database) -> None:
    db.plug("br-int", NAME, ofport=7)
    found = unit_repairs(db.replica, [watching()])
    assert found.repairs == [] and found.remarks == [f"{NAME} is there already, and not Tenet's: left alone"]
    assert settle(db, []) == []


def test_a_port_of_a_bridge_that_is_not_there_waits(db: Database) -> None:
    assert settle(db, [watching(dpid=DPID + 1)]) == []


def test_a_session_is_told_of_once_it_has_been_up(db: Database) -> None:
    def watches() -> tuple[SeenWatch, ...]:
        seen = describe(db.replica)
        assert seen is not None and all(one.name != NAME for one in seen.interfaces), "it is no tenant's"
        return seen.watches

    settle(db, [watching()])
    held = db.find("Interface", NAME)
    db.update("Interface", held, ofport=9, bfd_status=pairs({"forwarding": "false", "flap_count": "0"}))
    assert watches() == ()
    db.update("Interface", held, bfd_status=pairs({"forwarding": "true", "flap_count": "1"}))
    assert watches() == (SeenWatch("hv2", 9, True),)
    db.update("Interface", held, bfd_status=pairs({"forwarding": "false", "flap_count": "2"}))
    assert watches() == (SeenWatch("hv2", 9, False),)
    db.update("Interface", held, ofport=-1)
    assert watches() == ()

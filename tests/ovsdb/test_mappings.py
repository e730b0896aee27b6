"""Patch ports to the bridges of physical networks: made, kept right, taken away; nothing else is touched."""

from __future__ import annotations

import pytest

from controller.model.rows import Physical
from controller.ovsdb.describe import describe
from controller.ovsdb.desired import desired
from controller.ovsdb.mappings import far, near
from tests.ovsdb.database import Database, pairs
from tests.ovsdb.test_desired import IDS, TARGET, interface_of, ports_of, put_right

MAPPINGS = {"tenet-bridge-mappings": "physnet1:br-ex, physnet2:br-other"}


@pytest.fixture
def db() -> Database:
    made = Database(**IDS)
    for name in ("br-ex", "br-other"):
        local = made.insert("Port", name=name)
        bridge = made.insert("Bridge", name=name, ports=["uuid", local])
        made.mutate("Open_vSwitch", made.root, [["bridges", "insert", ["uuid", bridge]]])
    map_to(made, MAPPINGS)
    put_right(made)
    return made


def map_to(db: Database, mappings: dict[str, str]) -> None:
    db.update("Open_vSwitch", db.root, external_ids=pairs(IDS | mappings))


def test_names_fit_openflow() -> None:
    assert len(near("a" * 128)) <= 15
    assert near("physnet1") != near("physnet2")


def test_both_ends_are_made(db: Database) -> None:
    assert {near("physnet1"), near("physnet2")} <= ports_of(db)
    assert ports_of(db, "br-ex") == {"br-ex", far("physnet1")}
    assert interface_of(db, near("physnet1"))["options"] == pairs({"peer": far("physnet1")})
    assert interface_of(db, far("physnet1"))["options"] == pairs({"peer": near("physnet1")})


def test_a_physical_network_is_seen_once_its_port_has_a_number(db: Database) -> None:
    seen = describe(db.replica)
    assert seen is not None and seen.physical == ()
    db.update("Interface", db.find("Interface", near("physnet2")), ofport=7)
    seen = describe(db.replica)
    assert seen is not None and seen.physical == (Physical("physnet2", 7, "br-other"),)
    assert near("physnet2") not in {interface.name for interface in seen.interfaces}


def test_a_wrong_peer_is_put_right(db: Database) -> None:
    db.update("Interface", db.find("Interface", far("physnet1")), options=pairs({"peer": "elsewhere"}))
    assert put_right(db) == [f"patch port {far('physnet1')} of br-ex: wrong peer"]
    assert interface_of(db, far("physnet1"))["options"] == pairs({"peer": near("physnet1")})


def test_a_mapping_that_moves_takes_its_port_along(db: Database) -> None:
    map_to(db, {"tenet-bridge-mappings": "physnet1:br-other"})
    put_right(db)
    assert ports_of(db, "br-ex") == {"br-ex"}
    assert ports_of(db, "br-other") == {"br-other", far("physnet1")}
    assert near("physnet2") not in ports_of(db)


def test_without_a_mapping_there_is_no_port(db: Database) -> None:
    map_to(db, {})
    put_right(db)
    assert not {near("physnet1"), near("physnet2")} & ports_of(db)
    assert ports_of(db, "br-ex") == {"br-ex"}


@pytest.mark.parametrize(
    ("said", "remark"),
    [
        ("physnet3:br-none", "bridge br-none does not exist"),
        ("physnet3:br-int", "bridge br-int is the bridge of tenants itself"),
        ("physnet1", "'physnet1' is not usable"),
        ("physnet1:", "'physnet1:' is not usable"),
        ("a/b:br-ex", "'a/b:br-ex' is not usable"),
        ("physnet1:br-ex,physnet1:br-other", "'physnet1:br-other' is not usable"),
        ("\x00:br-ex", "is not usable"),
    ],
)
def test_what_cannot_be_mapped_is_remarked(db: Database, said: str, remark: str) -> None:
    map_to(db, {"tenet-bridge-mappings": said})
    assert any(remark in one for one in desired(db.replica, (TARGET,)).remarks)
    put_right(db)
    assert far("physnet2") not in ports_of(db, "br-other")

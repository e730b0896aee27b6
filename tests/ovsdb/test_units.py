"""Rows that units want: the difference to a database, as transactions; toy queues, mirrors and BFD."""

from __future__ import annotations

from typing import Any

import pytest

from controller.ovsdb.units import KEY, SET, repairs_of, unit_repairs
from controller.ovsdb.wanted import BridgeOf, InterfaceAt, InterfaceNamed, OwnRow, WantedRow
from tests.ovsdb.database import Database, pairs
from tests.ovsdb.test_desired import IDS, put_right
from tests.ovsdb.toyrows import MIRROR, QOS, QUEUE, Units, mirrored, shaped, watched_tunnel

DPID = 0xA


@pytest.fixture
def db() -> Database:
    """br-int with ports 3, 4 and 5, and a QoS and a mirror of the operator's."""
    made = Database(**IDS)
    put_right(made)
    bridge = made.find("Bridge", "br-int")
    made.update("Bridge", bridge, datapath_id=f"{DPID:016x}")
    for ofport in (3, 4, 5):
        made.plug("br-int", f"eth{ofport}", ofport=ofport)
    made.insert("QoS", type="linux-sfq", external_ids=pairs({"by": "operator"}))
    mirror = made.insert("Mirror", name="theirs")
    made.mutate("Bridge", bridge, [["mirrors", "insert", ["uuid", mirror]]])
    return made


def settle(db: Database, rows: list[WantedRow], refuses: str = "") -> list[str]:
    """Commit repairs until nothing differs; what was repaired, in order.  `refuses`: a subject that fails."""
    done: list[str] = []
    for _ in range(9):
        repairs = [each for each in unit_repairs(db.replica, rows).repairs if each.subject != refuses]
        if not repairs:
            return done
        for repair in repairs:
            db.transact(repair.operations)
            done.append(f"{repair.subject}: {repair.why}")
    raise AssertionError(f"does not come to rest: {done}")


def ours(db: Database, table: str) -> list[dict[str, Any]]:
    rows = [row for (kind, _), row in db.rows.items() if kind == table]
    return [row for row in rows if any(key == KEY for key, _ in row["external_ids"][1])]


def uuid(db: Database, place: OwnRow) -> str:
    [found] = [
        uuid
        for (kind, uuid), row in db.rows.items()
        if kind == place.table and dict(row["external_ids"][1]).get(KEY) == place.key
    ]
    return found


def test_rows_that_refer_to_each_other_are_made_one_after_the_other(db: Database) -> None:
    rows = shaped(DPID, 3)
    assert settle(db, rows) == ["Queue q1: missing", "QoS qos1: missing", "Port eth3: qos"]
    [qos] = ours(db, "QoS")
    assert qos["queues"] == ["map", [[1, ["uuid", uuid(db, QUEUE)]]]] and qos["type"] == "linux-htb"
    assert db.row("Port", "eth3")["qos"] == ["uuid", uuid(db, QOS)]
    assert settle(db, rows) == []


def test_rows_are_removed_after_what_refers_to_them(db: Database) -> None:
    before = dict(db.rows)
    rows = [*shaped(DPID, 3), *mirrored(DPID, 3, 5), *watched_tunnel(DPID, 4)]
    settle(db, rows)
    assert settle(db, []) == [
        "Port eth3: qos not wanted", "Interface eth4: bfd:enable not wanted, bfd:min_rx not wanted",
        "Mirror m1: not wanted", "QoS qos1: not wanted", "Queue q1: not wanted",
    ]  # fmt: skip
    assert db.rows == before, "and what is the operator's is as it was"


def test_foreign_edits_are_put_right(db: Database) -> None:
    rows = [*shaped(DPID, 3), *mirrored(DPID, 3, 5), *watched_tunnel(DPID, 4)]
    settle(db, rows)
    db.update("Queue", uuid(db, QUEUE), other_config=pairs({"max-rate": "7"}), dscp=9)
    db.update("Mirror", uuid(db, MIRROR), select_all=True, output_port=["set", []])
    db.update("Port", db.find("Port", "eth3"), qos=["set", []])
    eth4 = db.find("Interface", "eth4")
    db.update("Interface", eth4, bfd=pairs({"min_rx": "9", "decay_min_rx": "5"}), external_ids=pairs({"x": "y"}))
    assert sorted(settle(db, rows)) == [
        "Interface eth4: bfd enable min_rx", "Mirror m1: wrong select_all output_port", "Port eth3: qos",
        "Queue q1: wrong dscp other_config",
    ]  # fmt: skip
    bfd = dict(db.row("Interface", "eth4")["bfd"][1])
    assert bfd == {"enable": "true", "min_rx": "300", "decay_min_rx": "5"}, "keys of others stay"
    assert dict(db.row("Interface", "eth4")["external_ids"][1]) == {"x": "y", SET: '["bfd:enable", "bfd:min_rx"]'}
    db.delete("Queue", uuid(db, QUEUE))
    assert settle(db, rows) == ["Queue q1: missing", "QoS qos1: wrong queues"]


def test_a_mirror_comes_with_its_bridge_and_is_put_there_again(db: Database) -> None:
    rows = mirrored(DPID, 3, 5)
    assert settle(db, rows) == ["Mirror m1: missing"]
    assert len(db.row("Bridge", "br-int")["mirrors"][1]) == 2
    db.mutate("Bridge", db.find("Bridge", "br-int"), [["mirrors", "delete", ["uuid", uuid(db, MIRROR)]]])
    assert settle(db, rows) == ["Mirror m1: not held"]
    assert settle(db, rows) == []


def test_what_is_wanted_where_nothing_is_waits(db: Database) -> None:
    rows = [*shaped(DPID, 9), *mirrored(DPID + 1, 3, 5), *watched_tunnel(DPID, 8)]
    assert settle(db, rows) == ["Queue q1: missing", "QoS qos1: missing"]
    db.plug("br-int", "eth9", ofport=9)
    assert settle(db, rows) == ["Port eth9: qos"]


def test_a_row_that_is_refused_costs_only_what_refers_to_it(db: Database) -> None:
    rows = [*shaped(DPID, 3), *mirrored(DPID, 3, 5), *watched_tunnel(DPID, 4)]
    done = settle(db, rows, refuses="QoS qos1")
    assert sorted(done) == ["Interface eth4: bfd enable min_rx", "Mirror m1: missing", "Queue q1: missing"]


def test_changed_values_replace_the_old_ones_and_columns_that_are_not_wanted_are_cleared(db: Database) -> None:
    settle(db, [*shaped(DPID, 3, dscp=8), *watched_tunnel(DPID, 4)])
    assert ours(db, "Queue")[0]["dscp"] == 8
    less = WantedRow(InterfaceAt(DPID, 4), {"bfd": {"enable": "true"}, "ofport_request": 44})
    done = settle(db, [*shaped(DPID, 3, rate="5"), less])
    assert sorted(done) == [
        "Interface eth4: ofport_request, bfd:min_rx not wanted", "QoS qos1: wrong other_config",
        "Queue q1: wrong dscp other_config",
    ]  # fmt: skip
    assert ours(db, "Queue")[0]["dscp"] == ["set", []]
    assert db.row("Interface", "eth4")["ofport_request"] == 44
    settle(db, [])
    assert db.row("Interface", "eth4")["ofport_request"] == ["set", []]


def test_two_rows_of_one_key_become_one(db: Database) -> None:
    rows = shaped(DPID, 3)
    settle(db, rows)
    twin = db.insert("Queue", external_ids=pairs({KEY: "q1"}))
    assert settle(db, rows) == ["Queue q1: not wanted"]
    assert ("Queue", twin) not in db.rows


def test_somebody_elses_reference_keeps_a_row_of_ours_until_it_goes(db: Database) -> None:
    settle(db, shaped(DPID, 3))
    db.update("Port", db.find("Port", "eth5"), qos=["uuid", uuid(db, QOS)])
    assert settle(db, []) == ["Port eth3: qos not wanted"]
    db.update("Port", db.find("Port", "eth5"), qos=["set", []])
    assert settle(db, []) == ["QoS qos1: not wanted", "Queue q1: not wanted"]


def test_units_that_disagree_and_columns_that_nobody_knows_are_remarked(db: Database) -> None:
    rows = [*watched_tunnel(DPID, 4, "300"), *watched_tunnel(DPID, 4, "200")]
    more = [WantedRow(InterfaceAt(DPID, 4), {"lldp": {"a": "b"}}), WantedRow(BridgeOf(DPID), {"fail_mode": "secure"})]
    found = unit_repairs(db.replica, [*rows, *more])
    assert found == unit_repairs(db.replica, [*more, *reversed(rows)]), "the order has no say"
    assert len(found.remarks) == 2 and "bfd" in found.remarks[0] and "lldp" in found.remarks[1]
    settle(db, [*rows, *more])
    assert dict(db.row("Interface", "eth4")["bfd"][1])["min_rx"] == "200"


def test_a_note_that_somebody_else_wrote_harms_nothing(db: Database) -> None:
    eth4 = db.find("Interface", "eth4")
    for note in ("nonsense", "[1, {}]", '{"a": 1}', '["name", "external_ids:iface-id", "nothing", "statistics:x"]'):
        db.update("Interface", eth4, external_ids=pairs({SET: note, "iface-id": "vm"}))
        settle(db, [])
        assert db.row("Interface", "eth4")["external_ids"] == pairs({"iface-id": "vm"})
        assert db.row("Interface", "eth4")["name"] == "eth4"


def test_interfaces_are_found_by_name_too(db: Database) -> None:
    settle(db, [WantedRow(InterfaceNamed("eth5"), {"bfd": {"enable": "true"}})])
    assert db.row("Interface", "eth5")["bfd"] == pairs({"enable": "true"})


def test_nothing_is_removed_where_no_bridge_is_known(db: Database) -> None:
    units = Units()
    units.want(DPID, *shaped(DPID, 3))
    settle(db, list(units.wanted[DPID]))
    units.wanted = {}
    assert repairs_of(db.replica, units).repairs == []
    units.want(DPID)
    assert repairs_of(db.replica, units).repairs != []

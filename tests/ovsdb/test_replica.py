import pytest

from controller.ovsdb.framing import MalformedJson
from controller.ovsdb.replica import DatabaseReplica
from tests.ovsdb.database import Database

UUID = "00000000-0000-4000-8000-000000000abc"
PORT = {"qos": ["set", []], "external_ids": ["map", []]}  # the columns that a test does not name


def test_rows_are_typed_values():
    db = Database(**{"system-id": "hv1"})
    interface = db.insert("Interface", name="tap1", ofport=7, external_ids=["map", [["iface-id", "a"]]])
    port = db.insert("Port", name="tap1", interfaces=["uuid", interface])
    assert db.replica.root.external_ids == {"system-id": "hv1"}
    assert db.replica.interfaces[interface].ofport == 7
    assert db.replica.interfaces[interface].external_ids == {"iface-id": "a"}
    assert db.replica.interfaces[interface].error == ""
    assert db.replica.ports[port].interfaces == {interface}


def test_an_update_changes_a_row_and_keeps_the_rest():
    db = Database()
    interface = db.insert("Interface", name="tap1", ofport=7)
    before = db.replica.interfaces[interface]
    db.update("Interface", interface, ofport=["set", []], error="no such device")
    assert db.replica.interfaces[interface].ofport == 0
    assert db.replica.interfaces[interface].error == "no such device"
    assert (before.ofport, before.error) == (7, "")
    db.delete("Interface", interface)
    assert not db.replica.interfaces


def test_only_the_changed_columns_are_read_again():
    db = Database()
    interface = db.insert("Interface", name="tap1", ofport=7)
    new = db.rows["Interface", interface] | {"ofport": 8, "options": "never looked at"}
    db.replica.apply({"Interface": {interface: {"old": {"ofport": 7}, "new": new}}})
    assert db.replica.interfaces[interface].ofport == 8


@pytest.mark.parametrize(
    "updates",
    [
        None,
        [],
        {"Bridge": None},
        {"Flow": {}},
        {"Port": {UUID: None}},
        {"Port": {UUID: {"new": []}}},
        {"Port": {UUID: {"new": {}}}},
        {"Port": {"not a uuid": {"new": PORT | {"name": "a", "interfaces": ["set", []]}}}},
        {"Port": {UUID: {"new": PORT | {"name": 1, "interfaces": ["set", []]}}}},
        {"Port": {UUID: {"new": PORT | {"name": "a", "interfaces": ["set", ["a"]]}}}},
        {"Port": {UUID: {"new": PORT | {"name": "a", "interfaces": ["uuid", [[]]]}}}},
        {"Port": {UUID: {"new": PORT | {"name": "a", "interfaces": ["uuid", {}]}}}},
        {"Port": {UUID: {"new": PORT | {"name": "a", "interfaces": ["set", [["uuid", UUID], ["uuid", UUID]]]}}}},
        {"Open_vSwitch": {UUID: {"new": {"bridges": ["set", []], "external_ids": ["map", [["a"]]]}}}},
        {"Open_vSwitch": {UUID: {"new": {"bridges": ["set", []], "external_ids": ["map", [["a", 1]]]}}}},
        {"Open_vSwitch": {UUID: {"new": {"bridges": ["set", []], "external_ids": ["map", {"a": "b"}]}}}},
        {"Open_vSwitch": {UUID: {"new": {"bridges": ["set", []], "external_ids": [["map"], []]}}}},
    ],
)
def test_what_is_not_an_update_is_malformed(updates):
    with pytest.raises(MalformedJson):
        DatabaseReplica().apply(updates)


def test_a_change_of_an_unknown_column_is_malformed():
    db = Database()
    port = db.insert("Port", name="a")
    with pytest.raises(MalformedJson):
        db.replica.apply({"Port": {port: {"old": {"nothing": 1}, "new": db.rows["Port", port]}}})


def test_rows_are_bounded(monkeypatch):
    monkeypatch.setattr("controller.ovsdb.replica.ROWS_LIMIT", 10)
    db = Database()
    with pytest.raises(MalformedJson, match="10 rows"):
        for n in range(10):
            db.insert("Port", name=str(n))

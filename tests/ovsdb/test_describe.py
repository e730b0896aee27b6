import pytest

from controller.model.rows import Tunnel
from controller.ovsdb.describe import describe
from controller.ovsdb.replica import DatabaseReplica
from controller.ovsdb.seen import SeenInterface
from tests.ovsdb.database import Database, pairs
from tests.ovsdb.test_desired import IDS, put_right


@pytest.fixture
def db() -> Database:
    made = Database(**IDS)
    put_right(made)
    return made


def interfaces(db: Database) -> tuple[SeenInterface, ...]:
    return describe(db.replica).interfaces


def test_nothing_is_seen_before_the_datapath_id_is_fixed():
    assert describe(DatabaseReplica()) is None
    assert describe(Database(**IDS).replica) is None


def test_the_hypervisor(db):
    seen = describe(db.replica)
    assert (seen.system_id, seen.host, seen.encap_ip) == ("hv1", "hv1", "192.0.2.1")
    assert seen.encap_types == ("geneve", "vxlan")
    assert seen.dpid == int(db.replica.bridge("br-int").other_config["datapath-id"], 16)
    assert (seen.tunnels, seen.interfaces) == ((), ())


@pytest.mark.parametrize(
    ("text", "mtu"),
    [("9000", 9000), (" 1280 ", 1280), ("1279", 0), ("65536", 0), ("", 0), ("-1", 0), ("9k", 0), ("1" * 5000, 0)],
)
def test_the_underlays_mtu(text, mtu):
    db = Database(**IDS, **{"tenet-underlay-mtu": text})
    put_right(db)
    assert describe(db.replica).underlay_mtu == mtu


@pytest.mark.parametrize(
    ("ids", "system_id", "host"),
    [
        ({"system-id": "hv1", "hostname": "hv1.example"}, "hv1", "hv1.example"),
        ({}, "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000001"),
        ({"system-id": "a/b"}, "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000001"),
        ({"system-id": "hv1", "hostname": "two words"}, "hv1", "hv1"),
        ({"system-id": "x" * 129}, "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000001"),
    ],
)
def test_names(ids, system_id, host):
    db = Database(**ids, **{"tenet-underlay-mtu": "1500"})
    put_right(db)
    seen = describe(db.replica)
    assert (seen.system_id, seen.host) == (system_id, host)


def test_tunnels_in_the_operators_order_once_they_have_a_number(db):
    db.update("Interface", db.find("Interface", "tenet-vxlan"), ofport=65001)
    assert describe(db.replica).tunnels == (Tunnel("vxlan", 65001),)
    db.update("Interface", db.find("Interface", "tenet-geneve"), ofport=3)
    assert describe(db.replica).tunnels == (Tunnel("geneve", 3), Tunnel("vxlan", 65001))
    db.update("Interface", db.find("Interface", "tenet-geneve"), ofport=-1)
    assert describe(db.replica).tunnels == (Tunnel("vxlan", 65001),)


def test_interfaces_are_sorted_and_only_those_of_tenants(db):
    db.plug("br-int", "tap2", ofport=2)
    db.plug("br-int", "tap1", ofport=1)
    db.plug("br-int", "patch0", ofport=3, type="patch")
    db.plug("br-int", "coming", ofport=["set", []])
    db.plug("br-int", "failed", ofport=-1)
    db.plug("br-int", "local-like", ofport=65534)
    db.plug("br-int", "a/b", ofport=4)
    db.update("Interface", db.find("Interface", "br-int"), ofport=65534)
    db.update("Interface", db.find("Interface", "tenet-vxlan"), ofport=65001)
    db.insert("Bridge", name="br-phy")
    db.plug("br-phy", "eth0", ofport=5)
    assert [i.name for i in interfaces(db)] == ["tap1", "tap2"]


@pytest.mark.parametrize(
    ("ids", "vif", "mac"),
    [
        ({}, "tap1", ""),
        ({"iface-id": "4f0a"}, "4f0a", ""),
        ({"iface-id": ""}, "tap1", ""),
        ({"iface-id": "../x"}, "tap1", ""),
        ({"attached-mac": "02:00:00:00:AB:01"}, "tap1", "02:00:00:00:ab:01"),
        ({"attached-mac": "03:00:00:00:AB:01"}, "tap1", ""),
        ({"attached-mac": "00:00:00:00:00:00"}, "tap1", ""),
        ({"attached-mac": "02:00:00:00:ab:01:02"}, "tap1", ""),
        ({"attached-mac": "x"}, "tap1", ""),
    ],
)
def test_the_vif_and_its_address(db, ids, vif, mac):
    db.plug("br-int", "tap1", ofport=1, external_ids=pairs(ids))
    assert interfaces(db) == (SeenInterface(name="tap1", vif=vif, mac=mac, ofport=1),)


@pytest.mark.parametrize(("vif", "state", "there"), [
    ("tenet-metadata", "up", True), ("tenet-metadata", "down", False), ("vif-1", "down", True),
])  # fmt: skip
def test_a_metadata_server_that_has_ended_is_gone(db, vif, state, there):
    """Of a VM's interface the state says nothing: the VM may be about to begin."""
    db.plug("br-int", "tap1", ofport=1, external_ids=pairs({"iface-id": vif}), link_state=state)
    assert bool(interfaces(db)) == there


def test_without_the_bridge_no_interface_is_left(db):
    db.plug("br-int", "tap1", ofport=1)
    assert interfaces(db)
    db.update("Open_vSwitch", db.root, bridges=["set", []])
    db._collect()
    assert interfaces(db) == ()


def test_a_physical_network_is_cut_off_while_no_port_of_its_bridge_has_a_link():
    db = Database(
        **IDS, **{"tenet-bridge-mappings": "physnet1:br-ex,physnet2:br-ex2", "tenet-availability-zone": "east"}
    )
    for bridge in ("br-ex", "br-ex2"):
        made = db.insert("Bridge", name=bridge)
        db.mutate("Open_vSwitch", db.root, [["bridges", "insert", ["uuid", made]]])
    put_right(db)
    seen = describe(db.replica)
    assert (seen.zone, seen.cut_off) == ("east", ()), "a bridge without a port to the outside is an island of its own"
    for name in ("eth0", "eth1"):
        db.plug("br-ex", name, link_state="down")
    assert describe(db.replica).cut_off == ("physnet1",)
    db.update("Interface", db.find("Interface", "eth1"), link_state="up")
    assert describe(db.replica).cut_off == ()
    db.update("Interface", db.find("Interface", "eth1"), link_state=["set", []])
    assert describe(db.replica).cut_off == (), "nobody knows"

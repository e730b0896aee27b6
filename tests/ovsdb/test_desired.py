from copy import deepcopy

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.ovsdb.desired import desired, new_datapath_id
from controller.ovsdb.replica import DatabaseReplica
from tests.ovsdb.database import Database, pairs

TARGET = "tcp:192.0.2.9:6653"
IDS = {
    "system-id": "hv1",
    "tenet-encap-ip": "192.0.2.1",
    "tenet-encap-type": "geneve,vxlan",
    "tenet-datapath-type": "netdev",
}
ASKED = {"system-id": "hv1", "tenet-underlay-mtu": "1500"}  # a hypervisor without tunnels


def put_right(db: Database, targets: tuple[str, ...] = (TARGET,)) -> list[str]:
    """Commit repairs until nothing differs; what was repaired, in order."""
    done: list[str] = []
    for _ in range(5):
        repairs = desired(db.replica, targets).repairs
        if not repairs:
            return done
        for repair in repairs:
            db.transact(repair.operations)
            done.append(f"{repair.subject}: {repair.why}")
    raise AssertionError(f"does not come to rest: {done}")


@pytest.fixture
def db() -> Database:
    made = Database(**IDS)
    put_right(made)
    return made


def bridge_of(db: Database) -> dict:
    return db.row("Bridge", "br-int")


def interface_of(db: Database, name: str) -> dict:
    return db.row("Interface", name)


def ports_of(db: Database, bridge: str = "br-int") -> set[str]:
    held = db.replica.bridge(bridge)
    return {db.replica.ports[uuid].name for uuid in held.ports}


def test_a_new_hypervisor_gets_all_of_it():
    db = Database(**IDS)
    assert put_right(db) == [
        "bridge br-int: missing",
        "tunnel port tenet-vxlan: missing",
        "tunnel port tenet-geneve: missing",
    ]
    bridge = db.replica.bridge("br-int")
    assert bridge.fail_mode == "secure"
    assert bridge.protocols == {"OpenFlow13"}
    assert bridge.datapath_type == "netdev"
    fixed = db.replica.root.external_ids["tenet-datapath-id"]
    assert len(fixed) == 16 and 1 << 51 <= int(fixed, 16) < 1 << 52
    assert bridge.other_config == {"datapath-id": fixed, "disable-in-band": "true"}
    assert bridge.external_ids == {"tenet-managed": "true"}
    [controller] = db.replica.controllers.values()
    assert (controller.target, controller.connection_mode) == (TARGET, "out-of-band")
    assert controller.max_backoff == 1000
    assert ports_of(db) == {"br-int", "tenet-vxlan", "tenet-geneve"}
    vxlan = next(i for i in db.replica.interfaces.values() if i.name == "tenet-vxlan")
    assert vxlan.options == {"remote_ip": "flow", "key": "flow", "local_ip": "192.0.2.1"}
    assert (vxlan.type, vxlan.ofport_request) == ("vxlan", 65001)


def test_the_bridge_is_never_without_a_controller():
    db = Database(**IDS)
    [make] = desired(db.replica, (TARGET,)).repairs
    [bridge] = [o for o in make.operations if o["op"] == "insert" and o["table"] == "Bridge"]
    assert bridge["row"]["controller"] == ["set", [["named-uuid", "controller_0"]]]


def test_what_is_right_needs_nothing(db):
    assert desired(db.replica, (TARGET,)).repairs == ()


def test_an_empty_database_is_remarked_upon_and_left_alone():
    assert desired(DatabaseReplica(), (TARGET,)).repairs == ()
    assert "init" in desired(DatabaseReplica(), (TARGET,)).remarks[0]


@pytest.mark.parametrize("ids", [{}, {"system-id": "mn", "hostname": "laptop"}])
def test_a_database_whose_operator_said_nothing_of_tenet_is_left_as_it_is(ids):
    db = Database(**ids)
    for managers in ((), ("tcp:192.0.2.10:6640",)):
        assert desired(db.replica, (TARGET,), managers).repairs == ()
    db.update("Open_vSwitch", db.root, bridges=["uuid", db.insert("Bridge", name="br-int")])
    assert desired(db.replica, (TARGET,)).repairs == (), "somebody else's"


def test_a_bridge_that_tenet_made_stays_its_own_whatever_is_forgotten():
    db = Database(**IDS)
    put_right(db)
    db.update("Open_vSwitch", db.root, external_ids=pairs({"system-id": "hv1"}))
    assert "bridge br-int: datapath id kept" in put_right(db)


def test_a_hypervisor_without_encapsulation_gets_its_bridge():
    db = Database(**ASKED)
    assert put_right(db) == ["bridge br-int: missing"]
    assert ports_of(db) == {"br-int"}


DAMAGE = {
    "fail mode": lambda db: db.update("Bridge", db.find("Bridge", "br-int"), fail_mode="standalone"),
    "no fail mode": lambda db: db.update("Bridge", db.find("Bridge", "br-int"), fail_mode=["set", []]),
    "protocols": lambda db: db.update(
        "Bridge", db.find("Bridge", "br-int"), protocols=["set", ["OpenFlow10", "OpenFlow13"]]
    ),
    "datapath type": lambda db: db.update("Bridge", db.find("Bridge", "br-int"), datapath_type="system"),
    "other_config": lambda db: db.update("Bridge", db.find("Bridge", "br-int"), other_config=["map", []]),
    "in-band": lambda db: db.update(
        "Bridge",
        db.find("Bridge", "br-int"),
        other_config=pairs(
            {"disable-in-band": "false", "datapath-id": db.replica.root.external_ids["tenet-datapath-id"]}
        ),
    ),
    "external_ids": lambda db: db.update("Bridge", db.find("Bridge", "br-int"), external_ids=["map", []]),
    "no controller": lambda db: db.update("Bridge", db.find("Bridge", "br-int"), controller=["set", []]),
    "another controller": lambda db: db.update(
        "Bridge", db.find("Bridge", "br-int"), controller=["uuid", db.insert("Controller", target="tcp:192.0.2.66:1")]
    ),
    "the controller twice": lambda db: db.mutate(
        "Bridge",
        db.find("Bridge", "br-int"),
        [["controller", "insert", ["uuid", db.insert("Controller", target=TARGET)]]],
    ),
    "controller in-band": lambda db: db.update(
        "Controller", next(iter(db.replica.controllers)), connection_mode="in-band"
    ),
    "controller back-off": lambda db: db.update("Controller", next(iter(db.replica.controllers)), max_backoff=60000),
    "tunnel options": lambda db: db.update(
        "Interface", db.find("Interface", "tenet-vxlan"), options=pairs({"remote_ip": "192.0.2.66"})
    ),
    "tunnel type": lambda db: db.update("Interface", db.find("Interface", "tenet-vxlan"), type="gre"),
    "tunnel number": lambda db: db.update("Interface", db.find("Interface", "tenet-vxlan"), ofport_request=5),
    "tunnel port": lambda db: db.mutate(
        "Bridge", db.find("Bridge", "br-int"), [["ports", "delete", ["uuid", db.find("Port", "tenet-geneve")]]]
    ),
    "tunnel port a bond": lambda db: db.mutate(
        "Port",
        db.find("Port", "tenet-vxlan"),
        [["interfaces", "insert", ["uuid", db.insert("Interface", name="eth7")]]],
    ),
    "tunnel interface renamed": lambda db: db.update(
        "Interface", db.find("Interface", "tenet-vxlan"), name="tenet-other"
    ),
    "bridge": lambda db: db.update("Open_vSwitch", db.root, bridges=["set", []]),
    "memory of the datapath id": lambda db: db.update("Open_vSwitch", db.root, external_ids=pairs(IDS)),
}


def configuration(db: Database, anew: bool = False) -> object:
    """All that counts, without the uuids; with `anew`, without the datapath id, too, which must be one id twice."""
    replica = deepcopy(db.replica)
    bridge = replica.bridge("br-int")
    if anew:
        assert replica.root.external_ids.pop("tenet-datapath-id") == bridge.other_config.pop("datapath-id")
    return (
        replica.root.external_ids,
        (bridge.fail_mode, bridge.protocols, bridge.datapath_type, bridge.other_config, bridge.external_ids),
        sorted(msgspec.structs.astuple(replica.controllers[c])[1:] for c in bridge.controller),
        sorted((i.name, i.type, i.ofport_request, sorted(i.options.items())) for i in replica.interfaces.values()),
        ports_of(db),
    )


@pytest.mark.parametrize("name", DAMAGE)
def test_each_damage_is_repaired(db, name):
    before = configuration(db)
    DAMAGE[name](db)
    db._collect()
    assert configuration_or_none(db) != before
    assert put_right(db)
    assert configuration(db) == before


def configuration_or_none(db: Database) -> object:
    return configuration(db) if db.replica.bridge("br-int") else None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(sorted(DAMAGE)), min_size=1, max_size=5))
def test_any_damages_at_once_are_repaired(names):
    db = Database(**IDS)
    put_right(db)
    # nothing is left to know the former id by; ovs-vswitchd, which would show it in another column, is not here
    anew = "memory of the datapath id" in names and not {"bridge", "other_config"}.isdisjoint(names)
    before = configuration(db, anew)
    for name in names:
        try:
            DAMAGE[name](db)
        except (StopIteration, KeyError):  # what it damages is gone already
            continue
    db._collect()
    put_right(db)
    assert configuration(db, anew) == before


def test_the_controller_is_replaced_in_one_transaction(db):
    [repair] = desired(db.replica, ("ssl:192.0.2.10:6653",)).repairs
    db.transact(repair.operations)
    assert [c.target for c in db.replica.controllers.values()] == ["ssl:192.0.2.10:6653"]
    assert desired(db.replica, ("ssl:192.0.2.10:6653",)).repairs == ()


def test_several_targets_keep_the_rows_that_are_right(db):
    [kept] = db.replica.controllers
    assert put_right(db, (TARGET, "tcp:192.0.2.10:6653"))
    assert kept in db.replica.controllers
    assert {c.target for c in db.replica.controllers.values()} == {TARGET, "tcp:192.0.2.10:6653"}


def test_the_encapsulation_address_is_followed(db):
    db.update("Open_vSwitch", db.root, external_ids=pairs({**IDS, "tenet-encap-ip": "192.0.2.77"}))
    put_right(db)
    assert dict(map(tuple, interface_of(db, "tenet-vxlan")["options"][1]))["local_ip"] == "192.0.2.77"


@pytest.mark.parametrize(
    ("ids", "left"),
    [
        ({"tenet-encap-type": "vxlan"}, {"tenet-vxlan"}),
        ({"tenet-encap-type": "gre,stt, GENEVE "}, {"tenet-gre", "tenet-geneve"}),
        ({"tenet-encap-type": ""}, set()),
        ({"tenet-encap-ip": ""}, set()),
        ({"tenet-encap-ip": "not an address"}, set()),
        ({"tenet-encap-ip": "224.0.0.1"}, set()),
    ],
)
def test_tunnel_ports_follow_the_types(db, ids, left):
    db.update("Open_vSwitch", db.root, external_ids=pairs({**IDS, **ids}))
    put_right(db)
    assert ports_of(db) - {"br-int"} == left


def test_a_number_that_ovs_shows_wrongly_is_asked_for_again(db):
    uuid = db.find("Interface", "tenet-geneve")
    db.update("Interface", uuid, ofport=65002)
    assert desired(db.replica, (TARGET,)).repairs == ()
    db.update("Interface", uuid, ofport=77)
    [repair] = desired(db.replica, (TARGET,)).repairs
    assert [operation["mutations"] for operation in repair.operations] == [[["next_cfg", "+=", 1]]]
    db.update("Interface", uuid, ofport=-1)
    assert desired(db.replica, (TARGET,)).repairs == ()


def test_a_number_that_another_port_has_is_not_asked_for_again(db):
    db.update("Interface", db.find("Interface", "tenet-geneve"), ofport=77)
    db.plug("br-int", "tap1", ofport=65002)
    assert desired(db.replica, (TARGET,)).repairs == ()


def test_over_ipv6_udp_tunnels_have_checksums():
    db = Database(**{**IDS, "tenet-encap-ip": "2001:DB8::0:1", "tenet-encap-type": "vxlan,gre"})
    put_right(db)
    assert dict(map(tuple, interface_of(db, "tenet-vxlan")["options"][1])) == {
        "remote_ip": "flow",
        "key": "flow",
        "local_ip": "2001:db8::1",
        "csum": "true",
    }
    assert "csum" not in dict(map(tuple, interface_of(db, "tenet-gre")["options"][1]))


def test_what_is_not_ours_is_never_touched(db):
    db.insert("Bridge", name="br-phy")
    db.update("Open_vSwitch", db.root, bridges=["set", [["uuid", db.find("Bridge", b)] for b in ("br-int", "br-phy")]])
    db.plug("br-phy", "vxlan0", type="vxlan", options=pairs({"remote_ip": "192.0.2.5"}))
    db.plug("br-int", "tap1")
    db.update("Open_vSwitch", db.root, external_ids=pairs({"system-id": "hv1"}))
    put_right(db)
    assert ports_of(db, "br-phy") == {"vxlan0"}
    assert ports_of(db) == {"br-int", "tap1"}


def test_a_tunnel_port_of_another_bridge_is_reported_and_not_stolen():
    db = Database(**IDS)
    db.insert("Bridge", name="br-phy")
    db.update("Open_vSwitch", db.root, bridges=["uuid", db.find("Bridge", "br-phy")])
    db.plug("br-phy", "tenet-vxlan", type="vxlan")
    put_right(db)
    assert ports_of(db, "br-phy") == {"tenet-vxlan"}
    assert ports_of(db) == {"br-int", "tenet-geneve"}
    assert any("tenet-vxlan is there already" in remark for remark in desired(db.replica, (TARGET,)).remarks)


def test_an_unwanted_tunnel_port_of_another_bridge_is_let_be():
    db = Database(**{**IDS, "tenet-encap-type": "gre"})
    db.insert("Bridge", name="br-phy")
    db.update("Open_vSwitch", db.root, bridges=["uuid", db.find("Bridge", "br-phy")])
    db.plug("br-phy", "tenet-vxlan", type="vxlan")
    put_right(db)
    assert ports_of(db, "br-phy") == {"tenet-vxlan"}


def test_an_existing_bridge_keeps_its_datapath_id():
    db = Database(**IDS)
    db.insert("Bridge", name="br-int", datapath_id="0000aabbccddeeff")
    db.update("Open_vSwitch", db.root, bridges=["uuid", db.find("Bridge", "br-int")])
    put_right(db)
    assert db.replica.bridge("br-int").other_config["datapath-id"] == "0000aabbccddeeff"
    DAMAGE["bridge"](db)
    db._collect()
    put_right(db)
    assert db.replica.bridge("br-int").other_config["datapath-id"] == "0000aabbccddeeff"


def test_the_operators_datapath_id_is_kept():
    db = Database(**IDS)
    db.insert(
        "Bridge", name="br-int", datapath_id="0000aabbccddeeff", other_config=pairs({"datapath-id": "0" * 15 + "7"})
    )
    db.update("Open_vSwitch", db.root, bridges=["uuid", db.find("Bridge", "br-int")])
    put_right(db)
    assert db.replica.root.external_ids["tenet-datapath-id"] == "0" * 15 + "7"


def test_other_keys_of_maps_are_left(db):
    config = pairs({**db.replica.bridge("br-int").other_config, "mac-table-size": "1", "disable-in-band": "false"})
    db.update("Bridge", db.find("Bridge", "br-int"), other_config=config)
    put_right(db)
    assert db.replica.bridge("br-int").other_config["mac-table-size"] == "1"


def test_without_a_datapath_type_the_bridges_own_is_left():
    db = Database(**ASKED)
    put_right(db)
    db.update("Bridge", db.find("Bridge", "br-int"), datapath_type="netdev")
    assert desired(db.replica, (TARGET,)).repairs == ()


def test_datapath_ids_are_of_52_bits_and_follow_from_nothing():
    ids = {new_datapath_id() for n in range(500)}
    assert len(ids) == 500
    assert all(len(i) == 16 and 1 << 51 <= int(i, 16) < 1 << 52 for i in ids)
    made = [Database(**IDS) for _ in range(2)]
    for db in made:
        put_right(db)
    one, other = (db.replica.bridge("br-int").other_config["datapath-id"] for db in made)
    assert one != other, "the same system-id, another datapath id"


def test_a_datapath_id_of_a_former_version_is_kept():
    former = "000a1b2c3d4e5f60"
    db = Database(**IDS)
    put_right(db)
    db.update("Open_vSwitch", db.root, external_ids=pairs({**IDS, "tenet-datapath-id": former}))
    bridge = db.find("Bridge", "br-int")
    db.update("Bridge", bridge, other_config=pairs({"disable-in-band": "true", "datapath-id": former}))
    assert desired(db.replica, (TARGET,)).repairs == ()

"""Bridges that others made and pointed at a controller: seen with what their database says, and left as they are."""

from __future__ import annotations

from pathlib import Path

from controller.model.rows import Bridge, Plugged
from controller.ovsdb import describe
from tests.ovsdb.conftest import Watched
from tests.ovsdb.database import Database, pairs
from tests.ovsdb.private import PrivateHypervisor, until
from tests.ovsdb.test_desired import IDS, put_right

MININET = {"system-id": "laptop"}
DPID = "000000000000002a"


def bridge(db: Database, name: str, dpid: str = DPID, controllers: int = 1) -> str:
    targets = [["uuid", db.insert("Controller", target=f"tcp:127.0.0.1:{6653 + n}")] for n in range(controllers)]
    uuid = db.insert("Bridge", name=name, datapath_id=dpid, controller=["set", targets])
    held = db.rows["Open_vSwitch", db.root]["bridges"]
    db.update("Open_vSwitch", db.root, bridges=["set", [*(held[1] if held[0] == "set" else [held]), ["uuid", uuid]]])
    return uuid


def test_a_bridge_and_its_interfaces() -> None:
    db = Database(**MININET)
    bridge(db, "s1")
    db.plug("s1", "s1-eth2", ofport=2, external_ids=pairs({"iface-id": "vm-b", "attached-mac": "02:00:00:00:00:0B"}))
    db.plug("s1", "s1-eth1", ofport=1, link_speed=10_000_000_000)
    db.plug("s1", "s1", ofport=65534)
    db.plug("s1", "s1-eth3", ofport=-1)
    assert describe.describe(db.replica) is None
    plugged = (Plugged("s1-eth1", "s1-eth1", speed=10_000_000_000), Plugged("s1-eth2", "vm-b", "02:00:00:00:00:0b"))
    assert describe.watched(db.replica) == (Bridge(id=DPID, system_id="laptop", name="s1", interfaces=plugged),)


def test_a_bridge_without_a_controller_or_a_datapath_id_is_nobodys() -> None:
    db = Database(**MININET)
    bridge(db, "br-ex", controllers=0)
    bridge(db, "coming", dpid="")
    assert describe.watched(db.replica) == ()


def test_br_int_is_watched_where_it_is_somebody_elses_only() -> None:
    db = Database(**MININET)
    bridge(db, "br-int")
    assert [one.name for one in describe.watched(db.replica)] == ["br-int"]
    ours = Database(**IDS)
    put_right(ours)
    ours.update("Bridge", ours.find("Bridge", "br-int"), datapath_id=DPID)
    bridge(ours, "s1", "0000000000000007")
    assert [one.name for one in describe.watched(ours.replica)] == ["s1"], "beside a hypervisor's own"


def test_a_real_database_is_told_of_and_not_written(watched: Watched, tmp_path: Path) -> None:
    """Of Open vSwitch with a bridge like Mininet's, and a manager; nothing else was said."""
    with PrivateHypervisor(tmp_path / "laptop", "laptop", asked=False) as laptop:
        laptop.vsctl("add-br", "s1", "--", "set-controller", "s1", "tcp:127.0.0.1:6653", "--", "add-port", "s1", "tap1",
                     "--", "set", "bridge", "s1", "datapath_type=netdev", f"other-config:datapath-id={DPID}",
                     "--", "set", "interface", "tap1", "type=internal", "external_ids:iface-id=vm-a")  # fmt: skip
        before = configuration(laptop)
        laptop.vsctl("set-manager", watched.remote)
        until(lambda: watched.bridges.get("laptop"), "it is told of")
        assert [(one.id, [plugged.vif for plugged in one.interfaces]) for one in watched.bridges["laptop"]] == [
            (DPID, ["vm-a"])
        ]
        assert configuration(laptop) == before
        assert [facts.bridges for facts in watched.server.hypervisors()] == [(DPID,)]
        laptop.vsctl("del-br", "s1", "--", "set", "Open_vSwitch", ".", "external_ids:other=thing")
        until(lambda: watched.bridges["laptop"] == (), "its end is told of")
        assert not watched.repaired() and watched.last is None
        assert laptop.vsctl("list-br") == ""


OTHERS = {
    "Bridge": "name,fail_mode,protocols,controller,other_config,external_ids,ports",
    "Controller": "target,connection_mode,max_backoff,inactivity_probe",
    "Interface": "name,type,options,external_ids",
    "Open_vSwitch": "external_ids,other_config",
}


def configuration(laptop: PrivateHypervisor) -> list[str]:
    return [laptop.vsctl(f"--columns={columns}", "list", table) for table, columns in OTHERS.items()]

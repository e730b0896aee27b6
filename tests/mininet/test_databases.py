"""Mininet's bridges when their database is connected to Tenet, too: seen with what it says, and left to Mininet."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from mininet.topo import LinearTopo

from tests.lab.census import Census
from tests.mininet.bed import Bed, reach, until
from tests.mininet.tenants import all_is_well, joined, share
from topology.mininet import attach, detach

MANAGER = "tcp:127.0.0.1:6640"
OTHERS = {
    "Open_vSwitch": "external_ids,other_config",
    "Bridge": "name,controller,fail_mode,protocols,other_config,external_ids,ports,flow_tables",
    "Controller": "target,connection_mode,max_backoff,inactivity_probe,external_ids",
    "Port": "name,interfaces,tag,external_ids",
}


def configuration(bed: Bed) -> list[str]:
    """All that Mininet has written, and Tenet is to leave alone."""
    return [bed.ovs.vsctl(f"--columns={columns}", "list", table) for table, columns in OTHERS.items()]


def interfaces(bed: Bed) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in bed.topology()["interfaces"]}


def told_of(bed: Bed) -> bool:
    """Whether the database has told of every switch that is connected."""
    return all(switch["database"] for switch in bed.topology()["switches"] if switch["connected"])


def test_bridges_are_seen_with_what_their_database_says_and_not_taken_over() -> None:
    with Bed() as bed:
        net = bed.run(LinearTopo(2, 2))
        bed.ovs.vsctl("set", "interface", "s2-eth2", "external_ids:iface-id=vm-7")
        mininets = configuration(bed)
        assert interfaces(bed)["s2-eth2"]["vif"] == "s2-eth2", "over OpenFlow alone"
        bed.ovs.vsctl("set-manager", MANAGER)
        until(lambda: told_of(bed), "the database", bed.log)
        seen = interfaces(bed)
        assert seen["s2-eth2"]["vif"] == "vm-7"
        assert seen["s1-eth1"]["vif"] == "s1-eth1" and seen["s1-eth1"]["speed"] >= 10**7
        assert [(switch["name"], switch["id"]) for switch in bed.topology()["switches"]] == [
            ("s1", "0000000000000001"), ("s2", "0000000000000002"),
        ]  # fmt: skip
        # attached by the name of the interface, and by what its iface-id says
        attached = attach(net, {"red": ["h1s1", "h1s2"]})
        bed.ovs.vsctl("set", "interface", "s1-eth2", f"external_ids:iface-id={attached[1].port_id}")
        assert reach(net, [("h1s1", "h1s2")]) == {("h1s1", "h1s2")}
        until(lambda: interfaces(bed)["s1-eth2"]["vif"] == attached[1].port_id, "an iface-id that comes later")
        bed.ovs.vsctl("remove", "interface", "s1-eth2", "external_ids", "iface-id")
        until(lambda: interfaces(bed)["s1-eth2"]["vif"] == "s1-eth2", "an iface-id that goes")
        assert configuration(bed) == mininets
        detach(attached)


def test_what_mininet_sweeps_away_stays_away() -> None:
    """`mn -c` with the manager set: Tenet goes on, makes nothing anew, and takes the next experiment as it is."""
    with Bed() as bed:
        bed.ovs.vsctl("set-manager", MANAGER)
        net = bed.run(LinearTopo(2, 1))
        until(lambda: told_of(bed), "the database", bed.log)
        attached = attach(net, {"red": net.hosts})
        subprocess.run(["mn", "-c"], check=True, capture_output=True, timeout=120)
        bed.net = None
        until(lambda: not any(switch["connected"] for switch in bed.topology()["switches"]), "no switch")
        assert "put right" not in bed.log()
        for table in ("Bridge", "Port", "Interface", "Controller"):
            assert bed.ovs.vsctl("--columns=_uuid", "list", table) == ""
        until(lambda: not any(switch["database"] for switch in bed.topology()["switches"]), "no bridges")
        detach(attached)
        net = bed.run(LinearTopo(2, 1))
        attach(net, {"red": net.hosts})
        names = [host.name for host in net.hosts]
        assert reach(net, [(names[0], names[1])]) == {(names[0], names[1])}


def test_wires_are_given_room_for_whole_frames_of_1500_bytes_and_labels() -> None:
    with Bed({"network": {"underlay_mtu": 1550}}) as bed:
        bed.ovs.vsctl("set-manager", MANAGER)
        net = bed.run(LinearTopo(3, 2))
        tenants = share(net, ("red", "blue"))
        wires = [one["name"] for one in bed.topology()["interfaces"] if one["link"]]
        assert len(wires) == 4
        until(lambda: all(mtu(name) >= 1500 + 22 for name in wires), "room", lambda: str([*map(mtu, wires)]))
        joined(bed, tenants)
        assert {network["mtu"] for network in bed.topology()["networks"]} == {1500}
        with Census(tenants) as census:
            all_is_well(bed, census, tenants)
        others = [one["name"] for one in bed.topology()["interfaces"] if not one["link"]]
        assert {mtu(name) for name in others} == {1500}, "nobody else's is touched"


def mtu(interface: str) -> int:
    return int(Path(f"/sys/class/net/{interface}/mtu").read_text())

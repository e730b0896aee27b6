"""A real ovsdb-server and ovs-vswitchd: what the controller makes of them, keeps right and sees."""

from __future__ import annotations

import contextlib

import msgspec
import pytest

from controller.model.rows import Tunnel
from controller.ovsdb.seen import SeenInterface
from controller.ovsdb.server import controller_target, serve
from controller.runtime import hub
from controller.runtime.errors import Misconfigured
from tests.ovsdb.conftest import Watched
from tests.ovsdb.private import PrivateHypervisor, until

REST = 0.7  # s in which something that must not happen would have happened


def bridge(hypervisor: PrivateHypervisor) -> list[str]:
    columns = ("fail_mode", "protocols", "datapath_type", "datapath_id", "other_config", "external_ids")
    return [hypervisor.get("Bridge", "br-int", column) for column in columns]


def controller(hypervisor: PrivateHypervisor) -> list[str]:
    columns = ("target", "connection_mode", "max_backoff", "inactivity_probe")
    return [hypervisor.get("Controller", "br-int", column) for column in columns]


def tunnel(hypervisor: PrivateHypervisor, name: str) -> list[str]:
    return [hypervisor.get("Interface", name, column) for column in ("type", "options", "ofport", "error")]


def datapath_id(hypervisor: PrivateHypervisor) -> str:
    found = hypervisor.vsctl("--if-exists", "get", "Open_vSwitch", ".", "external_ids:tenet-datapath-id")
    return found.strip().strip('"')


def whole(hypervisor: PrivateHypervisor) -> list[list[str]]:
    tunnels = [tunnel(hypervisor, name) for name in ("tenet-vxlan", "tenet-geneve", "tenet-gre")]
    return [bridge(hypervisor), controller(hypervisor), *tunnels, hypervisor.vsctl("list-ports", "br-int").split()]


def test_a_hypervisor_is_made_right(watched, hypervisor):
    fixed = datapath_id(hypervisor)
    assert whole(hypervisor) == [
        [
            "secure",
            "[OpenFlow13]",
            "netdev",
            fixed,
            f'{{datapath-id="{fixed}", disable-in-band="true"}}',
            '{tenet-managed="true"}',
        ],
        [watched.target, "out-of-band", "1000", "10000"],
        ["vxlan", '{key=flow, local_ip="127.0.0.1", remote_ip=flow}', "65001", "[]"],
        ["geneve", '{key=flow, local_ip="127.0.0.1", remote_ip=flow}', "65002", "[]"],
        ["", "", "", ""],
        ["tenet-geneve", "tenet-vxlan"],
    ]
    assert watched.last.dpid == int(fixed, 16)
    assert (watched.last.system_id, watched.last.host) == ("hv1", "hv1.example")
    assert watched.last.tunnels == (Tunnel("vxlan", 65001), Tunnel("geneve", 65002))
    [facts] = watched.server.hypervisors()
    assert (facts.system_id, facts.encap_ip, facts.encap_types) == ("hv1", "127.0.0.1", ("vxlan", "geneve"))


def test_what_is_right_is_sent_nothing(watched, hypervisor):
    until(lambda: len(watched.repaired()) == 3, "bridge and two tunnel ports")
    hypervisor.plug("tap1")
    until(lambda: watched.last.interfaces, "the interface is seen")
    hub.sleep(REST)
    assert len(watched.repaired()) == 3


DAMAGES = {
    "bridge": ("del-br", "br-int"),
    "tunnel port": ("del-port", "br-int", "tenet-vxlan"),
    "controller": ("del-controller", "br-int"),
    "another controller": ("set-controller", "br-int", "tcp:127.0.0.1:1", "tcp:127.0.0.1:2"),
    "fail mode": ("del-fail-mode", "br-int"),
    "protocols": ("set", "bridge", "br-int", "protocols=OpenFlow10"),
    "datapath id": ("remove", "bridge", "br-int", "other_config", "datapath-id"),
    "in-band": ("set", "bridge", "br-int", "other_config:disable-in-band=false"),
    "tunnel options": ("set", "interface", "tenet-geneve", "options:remote_ip=192.0.2.7", "options:key=7"),
    "tunnel number": ("set", "interface", "tenet-geneve", "ofport_request=77"),
    "all and its memory": (
        "del-br",
        "br-int",
        "--",
        "remove",
        "Open_vSwitch",
        ".",
        "external_ids",
        "tenet-datapath-id",
    ),
}


def becomes(hypervisor: PrivateHypervisor, wanted: list[list[str]]) -> None:
    """Wait until the hypervisor is so; what differs is shown."""
    with contextlib.suppress(AssertionError):
        until(lambda: whole(hypervisor) == wanted, "repaired")
    assert whole(hypervisor) == wanted


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_repaired(watched, hypervisor, name):
    fixed, before, told = datapath_id(hypervisor), whole(hypervisor), watched.last
    hypervisor.vsctl("--no-wait", *DAMAGES[name])
    if name == "all and its memory":
        until(lambda: datapath_id(hypervisor) not in ("", fixed), "another datapath id is drawn")
        now = datapath_id(hypervisor)
        before = eval(repr(before).replace(fixed, now))
        told = msgspec.structs.replace(told, dpid=int(now, 16))
    becomes(hypervisor, before)
    until(lambda: watched.last == told, "the observer is told of it")


def test_the_datapath_id_of_a_bridge_that_was_there_stays(watched, tmp_path):
    with PrivateHypervisor(tmp_path / "hv1") as hypervisor:
        hypervisor.vsctl("add-br", "br-int", "--", "set", "bridge", "br-int", "datapath_type=netdev")
        own = hypervisor.get("Bridge", "br-int", "datapath_id")
        hypervisor.set_ids(**{"tenet-datapath-type": "netdev"})
        hypervisor.vsctl("set-manager", watched.remote)
        watched.settled(hypervisor)
        hypervisor.plug("tap1")
        hypervisor.vsctl("del-br", "br-int")
        watched.settled(hypervisor)
        until(lambda: hypervisor.get("Bridge", "br-int", "datapath_id") == own, "the bridge is the same switch")
        assert {seen.dpid for seen in watched.told} == {int(own, 16)}


def test_the_encapsulation_address_is_followed(watched, hypervisor):
    hypervisor.set_ids(**{"tenet-encap-ip": "127.0.0.2"})
    expected = '{key=flow, local_ip="127.0.0.2", remote_ip=flow}'
    until(lambda: tunnel(hypervisor, "tenet-vxlan") == ["vxlan", expected, "65001", "[]"], "vxlan follows")
    until(lambda: tunnel(hypervisor, "tenet-geneve") == ["geneve", expected, "65002", "[]"], "geneve follows")
    until(lambda: watched.last.encap_ip == "127.0.0.2" and len(watched.last.tunnels) == 2, "the observer is told")


def test_the_encapsulation_types_are_followed(watched, hypervisor):
    hypervisor.set_ids(**{"tenet-encap-type": "gre,nonsense,vxlan"})
    watched.settled(hypervisor, "gre", "vxlan")
    assert hypervisor.vsctl("list-ports", "br-int").split() == ["tenet-gre", "tenet-vxlan"]
    assert watched.last.tunnels == (Tunnel("gre", 65003), Tunnel("vxlan", 65001))
    assert len(watched.logged("'nonsense' is not known")) == 1
    hypervisor.vsctl("remove", "Open_vSwitch", ".", "external_ids", "tenet-encap-ip")
    watched.settled(hypervisor)
    until(lambda: hypervisor.vsctl("list-ports", "br-int") == "", "no tunnel port is left")


def test_a_hypervisor_without_encapsulation(watched, tmp_path):
    with PrivateHypervisor(tmp_path / "hv1") as hypervisor:
        hypervisor.vsctl("set-manager", watched.remote)
        watched.settled(hypervisor)
        assert watched.last.encap_ip == ""
        assert hypervisor.vsctl("list-ports", "br-int") == ""


def test_a_tunnel_port_of_another_bridge_is_not_stolen(watched, tmp_path):
    with PrivateHypervisor(tmp_path / "hv1") as hypervisor:
        hypervisor.vsctl("add-br", "br-phy", "--", "set", "bridge", "br-phy", "datapath_type=netdev")
        hypervisor.vsctl("add-port", "br-phy", "tenet-vxlan", "--", "set", "interface", "tenet-vxlan", "type=internal")
        hypervisor.encap("127.0.0.1", "vxlan,geneve")
        hypervisor.vsctl("set-manager", watched.remote)
        watched.settled(hypervisor, "geneve")
        assert hypervisor.vsctl("port-to-br", "tenet-vxlan") == "br-phy"
        assert len(watched.logged("tenet-vxlan is there already")) == 1


def test_interfaces_come_change_and_go(watched, hypervisor):
    hypervisor.plug("tap1", ["iface-id=4f0a77", 'attached-mac="02:00:00:00:AB:01"'])
    hypervisor.plug("tap2")
    expected = (
        SeenInterface(name="tap1", vif="4f0a77", mac="02:00:00:00:ab:01", ofport=hypervisor.ofport("tap1")),
        SeenInterface(name="tap2", vif="tap2", mac="", ofport=hypervisor.ofport("tap2")),
    )
    until(lambda: watched.last.interfaces == expected, "both are seen")
    hypervisor.vsctl("set", "Interface", "tap2", "external_ids:iface-id=late")
    until(lambda: [i.vif for i in watched.last.interfaces] == ["4f0a77", "late"], "the iface-id is seen")
    hypervisor.vsctl("set", "Interface", "tap2", "ofport_request=99")
    until(lambda: [i.ofport for i in watched.last.interfaces][1] == 99, "the new number is seen")
    hypervisor.vsctl("del-port", "tap1")
    until(lambda: [i.name for i in watched.last.interfaces] == ["tap2"], "the deletion is seen")


def test_the_same_is_told_once(watched, hypervisor):
    hypervisor.plug("tap1")
    until(lambda: watched.last.interfaces, "the interface is seen")
    count = len(watched.told)
    hypervisor.vsctl("set", "Interface", "tap1", "external_ids:vm-name=unimportant")
    hub.sleep(REST)
    assert len(watched.told) == count


def test_an_observer_that_fails_is_asked_again(caplog, tmp_path):
    asked: list[str] = []

    def observe(seen):
        asked.append(seen.system_id)
        if len(asked) < 3:
            raise RuntimeError("the store is away")

    server = serve(("127.0.0.1", 0), observe, controller_port=6653)
    try:
        with PrivateHypervisor(tmp_path / "hv1", switch=False) as hypervisor:
            hypervisor.vsctl("set-manager", f"tcp:127.0.0.1:{server.address[1]}")
            until(lambda: len(asked) == 3, "asked until it worked")
            hub.sleep(REST)
            assert asked == ["hv1"] * 3
            assert len(server.hypervisors()) == 1
    finally:
        server.close()
    assert len([r for r in caplog.records if "could not be taken in" in r.getMessage()]) == 2


def test_a_controller_that_comes_back_changes_nothing(watched, tmp_path):
    first = watched
    with PrivateHypervisor(tmp_path / "hv1") as hypervisor:
        hypervisor.encap("127.0.0.1", "vxlan")
        hypervisor.vsctl("set-manager", first.remote)
        first.settled(hypervisor, "vxlan")
        first.server.close()
        first.messages.clear()
        told: list = []
        second = serve(("127.0.0.1", first.port), told.append, controller_port=6653)
        try:
            until(lambda: told, "the hypervisor is back")
            hub.sleep(REST)
            assert told == [first.last]
            assert first.repaired() == []
        finally:
            second.close()


def test_a_database_that_restarts_comes_back(watched, hypervisor):
    until(lambda: len(watched.repaired()) == 3, "bridge and two tunnel ports")
    hypervisor.stop_database()
    until(lambda: not watched.server.hypervisors(), "its end is noticed")
    hypervisor.start_database()
    until(lambda: watched.server.hypervisors(), "it is back")
    watched.settled(hypervisor, "vxlan", "geneve")
    assert len(watched.repaired()) == 3


def test_over_ipv6_the_controller_is_where_the_connection_came_in(tmp_path):
    watched = Watched(host="::1")
    try:
        with PrivateHypervisor(tmp_path / "hv1", switch=False) as hypervisor:
            hypervisor.vsctl("set-manager", watched.remote)
            watched.settled(hypervisor)
            assert hypervisor.get("Controller", "br-int", "target") == "tcp:[::1]:6653"
    finally:
        watched.close()


@pytest.mark.parametrize(
    ("local", "tls", "target"),
    [
        ("192.0.2.1", False, "tcp:192.0.2.1:6653"),
        ("192.0.2.1", True, "ssl:192.0.2.1:6653"),
        ("::ffff:192.0.2.1", False, "tcp:192.0.2.1:6653"),
        ("2001:db8::1", True, "ssl:[2001:db8::1]:6653"),
        ("fe80::1%eth0", False, "tcp:[fe80::1]:6653"),
    ],
)
def test_controller_targets(local, tls, target):
    assert controller_target(local, 6653, tls=tls) == target


def test_without_a_system_id_the_row_names_it_and_a_late_one_counts(watched, tmp_path):
    with PrivateHypervisor(tmp_path / "hv1", system_id=None, switch=False) as hypervisor:
        hypervisor.vsctl("set-manager", watched.remote)
        uuid = hypervisor.get("Open_vSwitch", ".", "_uuid")
        until(lambda: watched.last and watched.last.system_id == uuid, "named by its row")
        hypervisor.set_ids(**{"system-id": "late"})
        until(lambda: watched.last.system_id == "late", "named by its system-id")
        assert [facts.system_id for facts in watched.server.hypervisors()] == ["late"]


def test_the_second_of_two_with_the_same_system_id_waits(watched, hypervisor, tmp_path):
    with PrivateHypervisor(tmp_path / "hv2", system_id="hv1", switch=False) as second:
        second.vsctl("set-manager", watched.remote)
        until(lambda: watched.logged("is connected with the same system-id"), "the second is refused")
        assert second.get("Bridge", "br-int", "name") == ""
        assert len(watched.server.hypervisors()) == 1
        hypervisor.stop_database()
        until(lambda: second.get("Bridge", "br-int", "name") == "br-int", "the second takes its place", 20)


def test_a_port_in_use_is_said_so(watched):
    with pytest.raises(Misconfigured, match=rf"\[ovsdb\] cannot listen on 127.0.0.1 port {watched.port}"):
        serve(("127.0.0.1", watched.port), print, controller_port=6653)

"""What is said when networks get narrower, and wider again."""

from __future__ import annotations

import logging

import pytest
from msgspec.structs import replace

from controller.model.model import Model
from controller.model.rows import Interface, Link, Network, Port, Row, Switch
from controller.reconcile.mtus import Mtus
from tests.world import change

WIRE = Link(switch_id="s1", ofport=1, far_switch_id="s2", far_ofport=1)
BACK = replace(WIRE, switch_id="s2", far_switch_id="s1")
SWITCH = Switch(id="s1", number=1, dpid=1, encap_ip="192.0.2.1")


def network(name: str, mtu: int, physical: str = "") -> Network:
    return Network(id=name, project_id="p", mtu=mtu, network_type="vxlan", segment=1, physical_network=physical)


def test_networks_are_narrowed_while_they_do_not_fit_and_it_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "tenet.network")
    model = Model()
    mtus = Mtus(model)

    def put(*rows: Row | str) -> list[str]:
        caplog.clear()
        mtus.changed(change(model, *rows))
        return [record.getMessage() for record in caplog.records]

    red, blue, flat = network("red", 1450), network("blue", 1400), network("flat", 1500, "physnet1")
    assert put(SWITCH, Switch(id="s2", number=2, dpid=2), red, blue, flat) == []
    assert put(WIRE) == [], "one end of a wire is none"
    assert put(BACK) == [
        "1 networks have an MTU of 1428 now, less than they were made with: tunnels go over an underlay of 1500, and "
        "carry what wires are to carry on, with labels"
    ]
    assert [mtus.of(one)[0] for one in (red, blue, flat)] == [1428, 1400, 1500]
    assert mtus.lowered() == [red] and mtus.of(blue)[1] == mtus.of(flat)[1] == ""
    assert put(replace(SWITCH, host="other")) == []
    assert put(replace(SWITCH, wire_mtu=1400))[0].startswith("2 networks have an MTU of 1378 now")
    assert put(WIRE.key) == ["networks may have an MTU of 1450 again; 0 have less than they were made with"]
    assert mtus.lowered() == []


def plugged(port: str, switch_id: str) -> Row:
    return Interface(switch_id=switch_id, name=port, vif=port, ofport=1)


def test_the_underlay_of_a_hypervisor_lowers_only_the_networks_that_it_holds(caplog: pytest.LogCaptureFixture) -> None:
    model = Model()
    mtus = Mtus(model)
    hosts = [Switch(id=f"s{n}", number=n, dpid=n, encap_ip=f"192.0.2.{n}", underlay_mtu=1500) for n in (1, 2, 3)]
    ports = [Port(id=name, project_id="p", network_id=name, mac_address="") for name in ("red", "blue")]
    change(model, *hosts, network("red", 1450), network("blue", 1450), *ports)
    change(model, plugged("red", "s1"), plugged("blue", "s2"))
    mtus.changed(change(model, replace(hosts[0], underlay_mtu=1400)))
    assert [mtus.of(each)[0] for each in model.rows(Network).values()] == [1350, 1450]
    change(model, replace(hosts[0], underlay_mtu=1281))
    assert [mtus.of(each)[0] for each in model.rows(Network).values()] == [1280, 1450], "not below what IPv6 needs"
    caplog.clear()
    mtus.changed(change(model, "interface/s2/blue", plugged("blue", "s1")))
    assert [mtus.of(each)[0] for each in model.rows(Network).values()] == [1280, 1280]
    said = "network blue has an MTU of 1280 now: it was made with 1450, and there is room for 1280 now"
    assert caplog.messages == [said]
    mtus.changed(change(model, "interface/s1/red", "interface/s1/blue"))
    assert mtus.lowered() == []
    assert Mtus(model, least=1400).of(network("red", 1450))[0] == 1450

"""Announcements of gateways' addresses and floating IPs: which switch makes them, and their frames byte by byte."""

from __future__ import annotations

from msgspec.structs import replace

from apps.announcements import announced, announcements
from apps.packets.announcement import frame
from controller.model.model import Model
from controller.model.reader import Reader
from controller.model.rows import (
    FixedIp,
    FloatingIp,
    Gateway,
    GatewayRanking,
    Physical,
    Port,
    Router,
    Row,
    WatchPort,
)
from tests.apps.clouds import network, on_physical, plugged, port, switch
from tests.world import change

MAC = "fa:16:3e:00:00:77"


def owned(name: str, number: int) -> Port:
    fixed = (FixedIp("s4", f"203.0.113.{number}"), FixedIp("s6", f"2001:db8::{number}"))
    return Port(id=name, project_id="", network_id="blue", mac_address=MAC, fixed_ips=fixed)


def floating(name: str, to: str) -> FloatingIp:
    return FloatingIp(
        id=name, project_id="t", floating_network_id="blue", floating_port_id=f"port-{name}",
        floating_ip_address="203.0.113.9", port_id=to, fixed_ip_address="10.0.0.1", router_id="r",
    )  # fmt: skip


def cloud() -> Model:
    """Gateways on switches 2 and 3; a floating IP of a port on switch 1, which has no physical network."""
    model = Model()
    physical = (Physical("p1", 903),)
    router = Router(id="r", project_id="t", number=1, segment=901, gateways=(Gateway("blue", "gw"),))
    rows: list[Row] = [
        switch(1), replace(switch(2), physical=physical), replace(switch(3), physical=physical), network("red"),
        on_physical(network("blue"), 0), port("a", "red", 1), plugged("a", 1, 1), owned("gw", 1), router,
        owned("port-f", 9), floating("f", "a"), GatewayRanking(id="r", switches=("h2", "h3")),
        WatchPort(switch_id="h3", far_switch_id="h2", ofport=32),
    ]  # fmt: skip
    change(model, *rows)
    return model


def by(model: Model, switch_id: str) -> list[str]:
    return list(announced(Reader(model, switch_id)))


def test_the_gateway_announces_its_addresses_and_the_floating_ips_that_it_translates() -> None:
    model = cloud()
    assert by(model, "h2") == ["gw", "port-f"] and by(model, "h3") == by(model, "h1") == []
    change(model, replace(switch(1), physical=(Physical("p1", 903),)))
    assert by(model, "h2") == ["gw"], "the switch of the port translates it itself"
    assert by(model, "h1") == ["port-f"]
    see = Reader(model, "h1")
    assert list(announced(see))
    assert change(model, "interface/h1/tap-a", plugged("a", 3, 1)) & see.deps, "its port moves"
    assert by(model, "h1") == [] and by(model, "h3") == ["port-f"]


def test_a_standby_announces_them_when_it_does_not_hear_the_gateway() -> None:
    model = cloud()
    see = Reader(model, "h3")
    assert list(announced(see)) == []
    assert change(model, WatchPort(switch_id="h3", far_switch_id="h2", ofport=32, up=False)) & see.deps
    assert by(model, "h3") == ["gw", "port-f"]
    change(model, GatewayRanking(id="r", switches=("h3", "h2")))
    assert by(model, "h2") == [] and by(model, "h3") == ["gw", "port-f"]


def test_during_a_move_nobody_announces_until_the_next_gateway_is_used() -> None:
    model = cloud()
    moving = GatewayRanking(id="r", switches=("h3",), leaving="h2", announced=False)
    see = Reader(model, "h3")
    assert list(announced(see)) == [] and change(model, moving) & see.deps
    assert by(model, "h2") == by(model, "h3") == []
    see = Reader(model, "h3")
    assert list(announced(see)) == [] and change(model, replace(moving, announced=True)) & see.deps
    assert by(model, "h2") == [] and by(model, "h3") == ["gw", "port-f"]


def test_a_router_that_is_down_has_no_addresses() -> None:
    model = cloud()
    router = model.get(Router, "r")
    assert router is not None
    change(model, replace(router, admin_state_up=False), replace(switch(1), physical=(Physical("p1", 903),)))
    assert by(model, "h2") == by(model, "h1") == []


def test_an_arp_announcement() -> None:
    assert frame(MAC, "203.0.113.9") == bytes.fromhex(
        "ffffffffffff fa163e000077 0806 0001 0800 06 04 0001fa163e000077 cb007109 000000000000 cb007109" + "00" * 18
    )


def test_an_unsolicited_advertisement() -> None:
    said = frame(MAC, "2001:db8::9")
    address = "20010db8000000000000000000000009"
    assert said[:14] == bytes.fromhex("333300000001 fa163e000077 86dd")
    assert said[14:54] == bytes.fromhex(f"60000000 0020 3a ff {address} ff020000000000000000000000000001")
    body = said[54:]
    assert body[:2] + body[4:] == bytes.fromhex(f"8800 a0000000 {address} 0201 fa163e000077")
    pseudo = said[22:54] + (32).to_bytes(4, "big") + (58).to_bytes(4, "big")
    whole = pseudo + body
    total = sum(int.from_bytes(whole[at : at + 2], "big") for at in range(0, len(whole), 2))
    assert (total & 0xFFFF) + (total >> 16) == 0xFFFF, "the checksum is right (RFC 1071)"


def test_every_address_of_a_port_is_announced_in_its_network() -> None:
    sent = list(announcements("gw", Reader(cloud(), "h2")))
    assert [data for _, _, data in sent] == [frame(MAC, "203.0.113.1"), frame(MAC, "2001:db8::1")]
    assert str(sent[0][1][0]).startswith("load:0x48->"), "the network's segment"
    assert list(announcements("gone", Reader(cloud(), "h2"))) == []

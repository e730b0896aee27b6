"""BFD ports that switches are to have: to the gateways that they use, and from these back."""

from __future__ import annotations

from msgspec.structs import replace

from controller.model.model import Model
from controller.model.reader import Reader
from controller.model.rows import Gateway, GatewayRanking, Router, Switch
from controller.ovsdb.wanted import WATCHES, OwnPort, WantedRow
from tests.apps.clouds import network, port, switch
from tests.world import change
from topology import watches


def wanted(model: Model, number: int) -> dict[str, WantedRow]:
    me = model.get(Switch, f"h{number}")
    assert me is not None
    rows = list(watches.switch(me, Reader(model, me.id)))
    assert all(isinstance(row.place, OwnPort) and row.place.dpid == me.dpid for row in rows)
    return {row.place.name: row for row in rows if isinstance(row.place, OwnPort)}


def cloud(*switches: Switch) -> Model:
    model = Model()
    router = Router(id="r", project_id="t", number=1, segment=901, gateways=(Gateway("blue", "gw"),))
    change(model, *switches, network("red"), network("blue"), port("a", "red", 1), router)
    change(model, GatewayRanking(id="r", switches=("h2", "h3")))
    return model


def test_both_ends_have_a_port_with_a_key_of_its_own() -> None:
    model = cloud(*(switch(number) for number in (1, 2, 3)))
    assert set(wanted(model, 2)) == {"tenet-b-3"} and set(wanted(model, 3)) == {"tenet-b-2"}
    columns = wanted(model, 2)["tenet-b-3"].columns
    assert columns["type"] == "vxlan" and columns["external_ids"] == {WATCHES: "h3"}
    assert columns["options"] == {"remote_ip": "192.0.2.3", "local_ip": "192.0.2.2", "key": "16777215"}
    assert wanted(model, 1) == {}, "who uses no gateway watches none"


def test_the_encapsulation_is_the_one_that_frames_take_over_the_family_that_both_have() -> None:
    six = replace(switch(3, "vxlan", "geneve"), encap_ip="2001:db8::3")
    model = cloud(switch(1), replace(switch(2, "geneve", "vxlan"), encap_ip="2001:db8::2"), six)
    columns = wanted(model, 2)["tenet-b-3"].columns
    assert columns["type"] == "geneve"
    assert columns["options"] == {
        "remote_ip": "2001:db8::3", "local_ip": "2001:db8::2", "key": "16777215", "csum": "true",
    }  # fmt: skip
    change(model, replace(six, encap_ip="192.0.2.3"))
    assert wanted(model, 2) == {}, "no tunnel leads there"


def test_a_name_has_at_most_15_characters() -> None:
    model = cloud(switch(1), switch(2), replace(switch(3), number=(1 << 20) - 1))
    assert [len(name) <= 15 for name in wanted(model, 2)] == [True]

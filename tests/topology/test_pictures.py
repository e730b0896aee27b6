"""A topology for people and for Mininet; what `tenet doctor` makes of it."""

from __future__ import annotations

import ast
import copy
import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest

from controller.commands.findings import examine, explain, lost
from topology.drawing import dot, svg, text
from topology.export import described, mininet


def link(one: str, port: int, other: str, far: int, **more: object) -> dict[str, Any]:
    return {
        "switch": one, "port": port, "port_name": f"{one}-eth{port}", "far_switch": other, "far_port": far,
        "far_port_name": f"{other}-eth{far}", "cost": 1, "state": "up", "used": True, **more,
    }  # fmt: skip


def station(name: str, switch: str | None, network: str, address: str) -> dict[str, Any]:
    return {
        "id": f"id-{name}", "name": name, "network_id": network, "project_id": "t", "mac_address": "02:00:00:00:00:01",
        "learning": False, "vif": f"{switch}-{name}", "addresses": [address, "2001:db8::1"], "status": "ACTIVE",
        "reason": "", "switch": switch, "interface": f"{switch}-{name}" if switch else None,
    }  # fmt: skip


@pytest.fixture
def topology() -> dict[str, Any]:
    """Three switches in a row, two of them wired twice; <red> & "blue"."""
    switches = [
        {"id": f"a{n}", "name": f"s{n}", "dpid": f"{n:016x}", "number": n, "encap_ip": "", "connected": True,
         "version": "OpenFlow13", "in_step": True, "unlimited": ""} for n in (1, 2, 3)
    ]  # fmt: skip
    links = [link("a1", 1, "a2", 1), link("a1", 2, "a2", 2), link("a2", 3, "a3", 1)]
    links += [link(one["far_switch"], one["far_port"], one["switch"], one["port"]) for one in links]
    ports = [station("h1", "a1", "n1", "10.0.0.1"), station("h2", "a3", "n1", "10.0.0.2"),
             station("h3", "a3", "n2", "10.0.0.1"), station("away", None, "n2", "10.0.0.9")]  # fmt: skip
    interfaces = [
        {"switch": port["switch"], "name": port["interface"], "vif": port["interface"], "port": 7 + n,
         "ports": [port["id"]], "link": False} for n, port in enumerate(ports[:3])
    ]  # fmt: skip
    networks = [
        {"id": f"n{n}", "name": name, "project_id": "t", "mtu": 1450, "mtu_reason": "",
         "network_type": "vxlan", "segment": n,
         "admin_state_up": True, "cidrs": ["10.0.0.0/24", "2001:db8::/64"]} for n, name in ((1, "<red>"), (2, '"blue"'))
    ]  # fmt: skip
    return {"revision": 9, "switches": switches, "links": links, "interfaces": interfaces, "networks": networks,
            "ports": ports}  # fmt: skip


def test_as_text_each_switch_tells_its_own_ends(topology: dict[str, Any]) -> None:
    lines = text(topology).splitlines()
    assert [line for line in lines if not line.startswith(" ")] == [f"s{n}  (a{n}, connected)" for n in (1, 2, 3)]
    assert sum("--" in line for line in lines) == 6
    assert "  a1-h1            == <red>: h1 10.0.0.1 2001:db8::1  ACTIVE" in lines


def test_a_picture_is_well_formed_and_has_everything_once(topology: dict[str, Any]) -> None:
    root = ElementTree.fromstring(svg(topology))
    kinds = [element.tag.rpartition("}")[2] for element in root.iter()]
    assert kinds.count("circle") == 3
    assert kinds.count("rect") == 1 + 3
    assert (kinds.count("path"), kinds.count("line")) == (3, 3)
    empty = {**topology, "switches": [], "links": [], "ports": [], "interfaces": []}
    assert ElementTree.fromstring(svg(empty)) is not None


def test_a_graph_quotes_what_it_names(topology: dict[str, Any]) -> None:
    lines = dot(topology)
    assert lines.count(" -- ") == 3 + 3
    assert r"h3\n\"blue\"\n10.0.0.1" in lines


def test_an_export_keeps_ports_and_numbers(topology: dict[str, Any]) -> None:
    made = described(topology)
    assert made["switches"] == [{"name": f"s{n}", "dpid": f"{n:016x}"} for n in (1, 2, 3)]
    assert ["s1", "s2", {"port1": 1, "port2": 1}] in [sorted_link(one) for one in made["links"]]
    assert ["h2", "s3", {"port2": 8}] in made["links"]
    assert made["hosts"][0] == {
        "name": "h1", "mac": "02:00:00:00:00:01", "ip": "10.0.0.1/24", "ip6": "2001:db8::1/64"
    }  # fmt: skip
    assert made["networks"] == {"<red>": ["h1", "h2"], '"blue"': ["h3"]}
    assert len(made["links"]) == 3 + 3
    ast.parse(mininet(topology))


def sorted_link(one: list[Any]) -> list[Any]:
    ends = sorted([(one[0], one[2].get("port1")), (one[1], one[2].get("port2"))], key=lambda end: str(end[0]))
    return [ends[0][0], ends[1][0], {"port1": ends[0][1], "port2": ends[1][1]}]


def faults(topology: dict[str, Any], refused: list[dict[str, Any]] | None = None) -> list[str]:
    found = examine(topology, refused or [])
    bad = [line.removeprefix("FAULT  ") for line in found.lines if line.startswith("FAULT")]
    assert len(bad) == found.faults
    return bad


def test_the_doctor_has_nothing_to_say_of_what_is_well(topology: dict[str, Any]) -> None:
    del topology["ports"][3]
    assert faults(topology) == []
    told = examine(topology, []).lines
    assert told[-1] == '   ok  port h3 of network "blue" at a3-h3 is active, for 02:00:00:00:00:01 10.0.0.1 2001:db8::1'
    assert not any("to attach one" in line for line in told)


def test_the_doctor_tells_each_fault(topology: dict[str, Any]) -> None:
    sick = copy.deepcopy(topology)
    sick["ports"][3] |= {"status": "DOWN", "reason": "no interface is plugged in"}
    assert faults(sick) == ['port away of network "blue" is DOWN: no interface is plugged in']
    sick["switches"][0]["connected"] = False
    sick["switches"][1]["in_step"] = False
    sick["links"] = [one | {"used": False} for one in sick["links"] if "a3" in (one["switch"], one["far_switch"])][:1]
    for interface in sick["interfaces"][:2]:  # one of a switch that is away, of which nothing is to be said
        interface["ports"] = []
    told = faults(sick, [{"at": "now", "address": "127.0.0.1:9", "why": "no common OpenFlow version"}])
    assert len(told) == 7
    assert "protocols=OpenFlow13" in told[0]
    assert told[1] == "switch s1 (a1) is not connected"
    assert "wait or were refused" in told[2]
    assert "but not the other way" in told[3]
    assert "make 2 islands" in told[4]
    assert "belongs to no network" in told[5]
    hints = [line for line in examine(sick, []).lines if line.startswith("     ")]
    assert "DELETE .../tenet/v1/switches/a1" in hints[0] and '"interface": "a3-h2"' in hints[1] and len(hints) == 2


def test_the_doctor_notes_what_is_no_fault(topology: dict[str, Any]) -> None:
    del topology["ports"][3]
    topology["switches"][0]["unlimited"] = "3 ports have no meter: the table is full"
    topology["networks"][0] |= {"mtu": 1428, "mtu_reason": "it was made with 1450, and there is room for 1428 now"}
    assert faults(topology) == []
    assert [line for line in examine(topology, []).lines if line.startswith(" note")] == [
        " note  switch s1 (a1) does not limit what ports send to many: 3 ports have no meter: the table is full",
        " note  network <red> has an MTU of 1428: it was made with 1450, and there is room for 1428 now",
    ]


def test_tunnels_join_islands(topology: dict[str, Any]) -> None:
    topology["links"] = []
    assert any("3 islands" in line for line in faults(topology))
    for switch in topology["switches"]:
        switch["encap_ip"] = "192.0.2.1"
    assert not any("islands" in line for line in faults(topology))


def test_frames_that_are_lost_in_one_place_are_told_once(topology: dict[str, Any]) -> None:
    one = {"from": "id-h1", "to": "id-h2", "verdict": "dropped in table x"}
    found = lost(topology, [one, one | {"from": "id-h2", "to": "id-h1"}, one | {"verdict": "elsewhere"}])
    assert found.lines == ["FAULT  from h1 to h2 and 1 more: dropped in table x", "FAULT  from h1 to h2: elsewhere"]
    assert found.faults == 2


def test_a_trace_says_where_it_ends_and_that_networks_differ(topology: dict[str, Any]) -> None:
    step = {"table": 50, "name": "remote", "flow": None, "installed": None}
    hop = {"switch": "a1", "in_port": 7, "tables": [step], "sent": [{"port": 0xFFFFFFFD}, {"port": 8}], "arrived": []}
    frame = {"frame": {"eth_type": 0x0800, "eth_src": "a", "eth_dst": "b"}, "arrives": False, "answered": False,
             "verdict": "dropped", "hops": [hop]}  # fmt: skip
    found = explain(topology, {"from": topology["ports"][0], "to": topology["ports"][2], "frames": [frame]})
    assert any(line.endswith("remote: no flow matches") for line in found.lines)
    assert found.lines[0] == 'FAULT  h1 is on network <red>, h3 on network "blue": they are kept apart'
    assert "switch s1, in by a1-h1 (port 7)" in found.lines[2]
    assert [line.strip() for line in found.lines[4:6]] == ["to the controller", "out by port 8"]
    assert found.faults == 2


def test_networks_that_a_router_joins_are_not_kept_apart(topology: dict[str, Any]) -> None:
    passed = {"router_id": "r", "interface_id": "i", "route": "10.0.2.0/24", "next_hop": None, "resolved": "port/p",
              "reason": ""}  # fmt: skip
    hop = {"switch": "a1", "in_port": 7, "tables": [], "sent": [], "arrived": [], "routers": [passed]}
    frame = {"frame": {"eth_type": 0x0800, "eth_src": "a", "eth_dst": "b"}, "arrives": True, "answered": False,
             "verdict": "arrives", "hops": [hop]}  # fmt: skip
    found = explain(topology, {"from": topology["ports"][0], "to": topology["ports"][2], "frames": [frame]})
    assert found.faults == 0 and not any("kept apart" in line for line in found.lines)


def test_what_nat_does_to_a_packet_is_told(topology: dict[str, Any]) -> None:
    hop = {"switch": "a1", "in_port": 7, "tables": [], "sent": [], "arrived": [], "translations": [
        {"step": "gateway", "decided_by": "gateway_ranking/r", "switch": "a2", "ranking": ["a2", "a3"], "reason": ""},
        {"step": "source", "decided_by": "floatingip/f", "address": "203.0.113.9", "reason": ""},
        {"step": "source", "decided_by": "router/r", "address": None, "reason": ""},
        {"step": "next_hop", "decided_by": "router/r", "route": "0.0.0.0/0", "next_hop": "203.0.113.1",
         "resolved": "neighbor/n/203.0.113.1", "reason": ""},
        {"step": "destination", "decided_by": "floatingip/g", "address": None, "resolved": None, "reason": "gone"},
    ]}  # fmt: skip
    frame = {"frame": {"eth_type": 0x0800, "eth_src": "a", "eth_dst": "b"}, "arrives": True, "answered": False,
             "verdict": "arrives", "hops": [hop]}  # fmt: skip
    to = {"address": "203.0.113.10", "floating_ip_id": "g"}
    found = explain(topology, {"from": topology["ports"][0], "to": to, "frames": [frame]})
    assert found.faults == 0 and [line.strip() for line in found.lines[2:7]] == [
        "leaves by the gateway s2: gateway_ranking/r is s2, s3",
        "its source becomes 203.0.113.9, by floatingip/f",
        "its source stays as it is, by router/r",
        "outside router/r has the route 0.0.0.0/0 by 203.0.113.1, to neighbor/n/203.0.113.1",
        "destination by floatingip/g: gone",
    ]

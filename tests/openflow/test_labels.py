"""Compiled flows on real Open vSwitch: tenants' frames cross three bridges over labels, whatever they carry."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import networkx as nx
import pytest
from msgspec.structs import replace

from controller.flow.meter import FLAGS, Meter
from controller.model.rows import Port
from controller.openflow import framework, wire
from controller.openflow.session import Holdings
from tests.openflow.flows import Heard, meters, until
from tests.ovs import PrivateOvs
from tests.topology.wired import Wired, mac, switch_id, switches, tenants, wires

# s0 - s1 - s3, s0 - s2 - s3: two ways of equal cost
GRAPH = nx.MultiGraph([(0, 1), (1, 3), (0, 2), (2, 3)])
HEADS = {
    "ipv4": "0800 4500003000010000 01110000 0a000001 0a000002 00350035001c0000",
    "arp": "0806 0001080006040001 020000000001 0a000001 000000000000 0a000009",
    "ipv6": "86dd 6000000000183aff fe800000000000000000000000000001 ff020000000000000000000000000001",
    "vlan": "8100 0064 0800 4500003000010000 40110000 0a000001 0a000002",
    "qinq": "88a8 000a 8100 0064 0800 4500003000010000 40110000 0a000001 0a000002",
    "other": "88b5 00112233",
}


class Lab(NamedTuple):
    ovs: PrivateOvs
    world: Wired
    heard: Heard


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    held = {"red": [0, 3], "blue": [0, 3]}
    ends = [end for wire in wires(GRAPH) for end in wire]
    world = Wired(*switches(GRAPH), *ends, *tenants(held))
    learning = [
        replace(port, learning=True, interface_id=port.id, fixed_ips=()) for port in world.model.rows(Port).values()
    ]
    world.put(*learning)
    heard = Heard()
    with PrivateOvs() as ovs:
        server = framework.serve(("127.0.0.1", 0), heard)
        for node in GRAPH:
            ovs.add_bridge(switch_id(node), node + 1, f"tcp:127.0.0.1:{server.address[1]}")
            for port in sorted({*_wires_of(world, node), *_vms_of(world, node)}):
                name = f"{switch_id(node)}p{port}"
                ovs.vsctl(
                    *("add-port", switch_id(node), name, "--", "set", "interface", name, "type=dummy"),
                    *(f"ofport_request={port}", f"options:tx_pcap={ovs.directory}/{name}.pcap"),
                )
        until(lambda: len(heard.sessions) == len(GRAPH))
        for node in GRAPH:
            flows = list(world.compiler.wanted(switch_id(node)))
            groups = {group.number: group for flow in flows for group in flow.groups}
            session = heard.sessions[node + 1]
            session.limit_packet_ins(Meter(wire.CONTROLLER_METER, FLAGS, 100, 100))
            added = [group.wire for group in groups.values()]
            session.apply([flow.wire for flow in flows], [], added, meters=meters(flows))
            assert session.held() == Holdings({flow.cookie for flow in flows}, set())
            assert session.held_groups() == Holdings(set(groups), set())
        yield Lab(ovs, world, heard)
        server.close()


def _wires_of(world: Wired, node: int) -> list[int]:
    return [port for switch, port in world.plugged if switch == switch_id(node)]


def _vms_of(world: Wired, node: int) -> list[int]:
    return [at.ofport for at in world.model.placement.bindings.values() if at.switch_id == switch_id(node)]


def captured(path: Path) -> list[bytes]:
    """The frames of a pcap file that Open vSwitch writes."""
    content, offset, frames = path.read_bytes(), 24, []
    while offset + 16 <= len(content):
        (size,) = struct.unpack_from("<I", content, offset + 8)
        frames.append(content[offset + 16 : offset + 16 + size])
        offset += 16 + size
    return frames


def cross(lab: Lab, port_id: str, sent: bytes) -> tuple[dict[str, list[bytes]], list[str]]:
    """What arrives at each VM because of a frame, carried by hand from wire to wire; and the switches on its way."""
    ovs, world, _ = lab
    files = {path.stem: path for path in ovs.directory.glob("*.pcap")}
    seen = {name: len(captured(path)) for name, path in files.items()}
    at = world.model.placement.bindings[port_id]
    ovs.appctl("netdev-dummy/receive", f"{at.switch_id}p{at.ofport}", sent.hex())
    arrived: dict[str, list[bytes]] = {}
    way = []
    quiet = 0
    while quiet < 10:
        time.sleep(0.02)
        quiet += 1
        for name, path in files.items():
            frames = captured(path)
            new, seen[name] = frames[seen[name] :], len(frames)
            switch, _, port = name.partition("p")
            for one in new:
                quiet = 0
                if far := world.plugged.get((switch, int(port))):
                    way.append(far[0])
                    ovs.appctl("netdev-dummy/receive", f"{far[0]}p{far[1]}", one.hex())
                else:
                    arrived.setdefault(_vm(world, switch, int(port)), []).append(one)
    return arrived, way


def _vm(world: Wired, switch: str, port: int) -> str:
    return next(vm for vm, at in world.model.placement.bindings.items() if at.place == (switch, port))


def frame(kind: str, to: str = "ff:ff:ff:ff:ff:ff", sender: int = 0) -> bytes:
    head = bytes.fromhex(to.replace(":", "") + mac(sender).replace(":", "") + HEADS[kind].replace(" ", ""))
    return head + bytes(range(100))


@pytest.mark.parametrize("kind", HEADS)
def test_a_frame_arrives_whole_and_once(lab: Lab, kind: str) -> None:
    for name in ("red", "blue"):
        sent = frame(kind)
        arrived, way = cross(lab, f"{name}-0", sent)
        assert arrived == {f"{name}-1": [sent]}
        assert way in (["s1", "s3"], ["s2", "s3"])


def test_both_ways_are_used(lab: Lab) -> None:
    ways = set()
    for sender in range(12):
        arrived, way = cross(lab, "red-0", frame("other", sender=sender))
        assert list(arrived) == ["red-1"]
        ways.add(way[0])
    assert ways == {"s1", "s2"}


def test_what_goes_over_a_wire_is_22_bytes_longer(lab: Lab) -> None:
    before = {path: len(captured(path)) for path in lab.ovs.directory.glob("s0p[12].pcap")}
    sent = frame("ipv4")
    cross(lab, "red-0", sent)
    (outer,) = [one for path, seen in before.items() for one in captured(path)[seen:]]
    assert len(outer) == len(sent) + 22
    assert outer[12:14] == b"\x88\x47" and outer[22:] == sent
    labels = struct.unpack("!II", outer[14:22])
    assert [(label >> 12, label >> 8 & 1, label & 255) for label in labels] == [(4, 0, 2), (1, 1, 64)]


def test_a_forged_label_from_a_tenant_goes_nowhere(lab: Lab) -> None:
    forged = bytes.fromhex(mac(1).replace(":", "") + mac(0).replace(":", "") + "8847" + "000040ff" + "000021ff")
    assert cross(lab, "blue-0", forged + frame("ipv4")) == ({}, [])


def test_a_wire_without_carrier_is_bypassed_by_the_switch(lab: Lab) -> None:
    for port in (1, 2):
        lab.ovs.appctl("netdev-dummy/set-admin-state", f"s0p{port}", "down")
        until(lambda port=port: lab.heard.sessions[1].ports[port].state & 1)  # type: ignore[misc]
        for sender in range(4):
            arrived, _ = cross(lab, "red-0", frame("other", sender=sender))
            assert list(arrived) == ["red-1"]
        lab.ovs.appctl("netdev-dummy/set-admin-state", f"s0p{port}", "up")
        until(lambda port=port: not lab.heard.sessions[1].ports[port].state & 1)  # type: ignore[misc]

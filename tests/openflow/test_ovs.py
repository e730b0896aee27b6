"""A session against a real ovs-vswitchd, private to these tests."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

import pytest

from controller.flow.meter import FLAGS, Meter
from controller.openflow import framework, wire
from controller.openflow.session import Holdings, Session
from controller.runtime.errors import NotMaster, Rejected
from tests.openflow.flows import Encoded, Heard, encoded, flow, until
from tests.ovs import PrivateOvs


class Bridge(NamedTuple):
    ovs: PrivateOvs
    name: str
    session: Session
    heard: Heard

    def ofctl(self, command: str, *arguments: str) -> str:
        return self.ovs.ofctl(command, self.name, *arguments)


@pytest.fixture(scope="module")
def ovs() -> Iterator[PrivateOvs]:
    with PrivateOvs() as running:
        yield running


_numbers = count(1)


@pytest.fixture
def bridge(ovs: PrivateOvs) -> Iterator[Bridge]:
    """A new bridge that is connected to a server of its own."""
    number, heard = next(_numbers), Heard()
    server = framework.serve(("127.0.0.1", 0), heard)
    name = f"of{number}"
    ovs.add_bridge(name, number, f"tcp:127.0.0.1:{server.address[1]}")
    until(lambda: heard.sessions)
    yield Bridge(ovs, name, heard.sessions[number], heard)
    server.close()
    ovs.vsctl("del-br", name)


def cookies(flows: list[Encoded]) -> set[int]:
    return {each.cookie for each in flows}


def test_ten_thousand_flows_in_one_bundle(bridge: Bridge) -> None:
    flows = [flow(number) for number in range(10_000)]
    bridge.session.apply([each.add for each in flows], [])
    assert bridge.session.held() == Holdings(cookies(flows), set())
    assert "flow_count=10000" in bridge.ofctl("dump-aggregate") and bridge.session.flow_count() == 10_000
    bridge.ofctl("add-flow", "table=9,priority=1,actions=drop")
    assert bridge.session.flow_count() == 10_001  # of all tables
    bridge.ofctl("del-flows", "table=9")
    bridge.session.apply([], cookies(flows[:9_000]))
    assert bridge.session.held() == Holdings(cookies(flows[9_000:]), set())


LONG = [flow(number) for number in range(1000, 1041)]  # with these a bundle goes in two steps


def test_a_bad_flow_is_named_and_nothing_of_a_long_bundle_is_applied(bridge: Bridge) -> None:
    bridge.session.apply([flow(1).add], [])
    bad = flow(3, port=0xFFFFFF01)
    with pytest.raises(Rejected) as caught:
        bridge.session.apply([each.add for each in (flow(2), bad, flow(4), *LONG)], [flow(1).cookie])
    assert caught.value.refusals == {bad.cookie: "OFPBAC_BAD_OUT_PORT (type 2, code 4)"}
    assert not caught.value.rest and bridge.session.held() == Holdings({flow(1).cookie}, set())
    bridge.session.apply([flow(2).add], [])
    assert bridge.session.held().right == cookies([flow(1), flow(2)])


def test_a_bad_flow_of_a_short_bundle_is_named_and_the_rest_is_applied(bridge: Bridge) -> None:
    bridge.session.apply([flow(1).add], [])
    bad = flow(3, port=0xFFFFFF01)
    with pytest.raises(Rejected) as caught:
        bridge.session.apply([flow(2).add, bad.add, flow(4).add], [flow(1).cookie])
    assert caught.value.refusals == {bad.cookie: "OFPBAC_BAD_OUT_PORT (type 2, code 4)"}
    assert caught.value.rest and bridge.session.held() == Holdings(cookies([flow(2), flow(4)]), set())
    bridge.session.apply([flow(5).add], [flow(2).cookie])
    assert bridge.session.held().right == cookies([flow(4), flow(5)])


@pytest.mark.parametrize("more", [[], LONG], ids=["short", "long"])
def test_a_flow_refused_at_commit_is_named_and_nothing_is_applied(bridge: Bridge, more: list[Encoded]) -> None:
    bridge.session.apply([flow(1).add], [])
    all_frames = struct.pack("!HH4x", 1, 4)
    overlapping = encoded(77, 3, 100, all_frames, b"", flags=2)  # OFPFF_CHECK_OVERLAP
    with pytest.raises(Rejected) as caught:
        bridge.session.apply([each.add for each in (flow(2), overlapping, *more)], [])
    assert caught.value.refusals == {77: "OFPFMFC_OVERLAP (type 5, code 3)"}
    assert not caught.value.rest and bridge.session.held() == Holdings({flow(1).cookie}, set())


@pytest.mark.parametrize("count", [20, 200])
def test_a_slave_is_told_so_and_changes_nothing(bridge: Bridge, count: int) -> None:
    assert bridge.session.role(wire.SLAVE, 1)
    with pytest.raises(NotMaster):
        bridge.session.apply([flow(number).add for number in range(count)], [])
    assert bridge.session.held() == Holdings(set(), set())


def test_many_refusals_are_all_named(bridge: Bridge) -> None:
    bad = [flow(number, port=0xFFFFFF01) for number in range(3_000)]
    with pytest.raises(Rejected) as caught:
        bridge.session.apply([each.add for each in bad], [])
    assert set(caught.value.refusals) == cookies(bad)


def test_tampering_is_seen_and_repaired(bridge: Bridge) -> None:
    flows = [flow(number) for number in range(4)]
    bridge.session.apply([each.add for each in flows], [])
    bridge.ofctl("mod-flows", "table=3,dl_dst=02:00:00:00:00:00,actions=output:2")
    bridge.ofctl("del-flows", "table=3,dl_dst=02:00:00:00:00:01")
    bridge.ofctl("add-flow", "table=0,priority=5,actions=drop")
    bridge.ofctl("add-flow", f"cookie={flows[2].cookie},table=9,priority=5,actions=drop")
    held = bridge.session.held()
    assert held == Holdings({flows[3].cookie}, {flows[0].cookie, flows[2].cookie, 0})
    bridge.session.apply([each.add for each in flows[:3]], held.wrong)
    assert bridge.session.held() == Holdings(cookies(flows), set())
    lines = bridge.ofctl("dump-flows", "--no-stats").splitlines()
    assert len([line for line in lines if "cookie" in line]) == 4
    assert any("dl_dst=02:00:00:00:00:00 actions=output:1" in line for line in lines)


def test_a_flow_with_a_timeout_is_wrong(bridge: Bridge) -> None:
    bridge.session.apply([flow(1).add], [])
    bridge.ofctl(
        "add-flow", f"cookie={flow(1).cookie},table=3,idle_timeout=60,dl_dst=02:00:00:00:00:01,actions=output:1"
    )
    assert flow(1).cookie in bridge.session.held().wrong


def test_the_controller_meter_is_set_once(bridge: Bridge) -> None:
    sent: list[bytes] = []
    write = bridge.session._link.write

    def watch(data: bytes) -> None:
        sent.append(data)
        write(data)

    bridge.session._link.write = watch  # type: ignore[method-assign]
    for rate in (100, 100, 50, 50):
        bridge.session.limit_packet_ins(Meter(wire.CONTROLLER_METER, FLAGS, rate, 200))
    mods = [data for data in sent if data[1] == wire.METER_MOD]
    assert [data[8:10] for data in mods] == [b"\0\0", b"\0\1"]  # add, modify
    meters = bridge.ofctl("dump-meters")
    assert "rate=50 burst_size=200" in meters and "pktps burst" in meters


def test_packets_come_in_and_go_out(bridge: Bridge) -> None:
    match = struct.pack("!HH4x", 1, 4)
    to_controller = struct.pack("!HH4x", 4, 24) + struct.pack("!HHIH6x", 0, 16, 0xFFFFFFFD, 0xFFFF)
    bridge.session.apply([encoded(99, 0, 1, match, to_controller).add], [])
    frame = bytes.fromhex("0200000000010200000000020800") + bytes(46)
    to_tables = struct.pack("!HHIH6x", 0, 16, 0xFFFFFFF9, 0)
    bridge.session.packet_out(0xFFFFFFFE, to_tables, frame)
    until(lambda: bridge.heard.packets)
    packet = bridge.heard.packets[0]
    assert (packet.cookie, packet.in_port, packet.table) == (99, 0xFFFFFFFE, 0)
    assert packet.data == frame


def test_ports_follow_the_bridge(bridge: Bridge) -> None:
    port = f"{bridge.name}p"
    bridge.ovs.vsctl("add-port", bridge.name, port, "--", "set", "interface", port, "type=dummy", "ofport_request=7")
    until(lambda: 7 in bridge.session.ports)
    assert bridge.session.ports[7].name == port
    bridge.ovs.vsctl("del-port", bridge.name, port)
    until(lambda: 7 not in bridge.session.ports)
    assert ("ports", bridge.session.dpid) in bridge.heard.log


def test_flows_stay_when_the_controller_goes_and_are_right_when_it_is_back(bridge: Bridge) -> None:
    flows = [flow(number) for number in range(100)]
    bridge.session.apply([each.add for each in flows], [])
    heard = Heard()
    server = framework.serve(("127.0.0.1", 0), heard)
    bridge.ovs.vsctl("set-controller", bridge.name, f"tcp:127.0.0.1:{server.address[1]}")
    until(lambda: heard.sessions)
    again = heard.sessions[bridge.session.dpid]
    assert again.held() == Holdings(cookies(flows), set())
    until(lambda: ("disconnected", bridge.session.dpid) in bridge.heard.log)
    server.close()
    assert ("disconnected", again.dpid) in heard.log

"""Meters on a real ovs-vswitchd: before the bundle, dumped, refused, and what they let through of a storm."""

from __future__ import annotations

import re

import pytest

from apps.pipeline import LIMIT, LOCAL, PERMIT
from controller.flow import Flow, Table, field, output, put, resubmit
from controller.flow.meter import of_port
from controller.openflow import wire
from controller.openflow.session import Holdings
from controller.runtime.errors import Rejected
from tests.openflow.flows import meters, until
from tests.openflow.test_ovs import Bridge, bridge, ovs

__all__ = ["bridge", "ovs"]

ENTRY = Table(0, "entry", frozenset({"in_port"}), ("limit", "local"))
RATE = 5
QUEUE = 80  # frames; Open vSwitch keeps 100 for a dummy device (NETDEV_DUMMY_MAX_QUEUE)


def limited(ofport: int) -> Flow:
    return Flow(LIMIT, 100, (field("in_port", ofport),), meter=of_port(ofport, RATE))


def plain(number: int) -> Flow:
    return Flow(LOCAL, 100, (field("eth_dst", number),), (put("reg7", 1),), goto=PERMIT)


def install(bridge: Bridge, *flows: Flow) -> None:
    bridge.session.apply([flow.wire for flow in flows], [], meters=meters(flows))


def test_meters_and_the_flows_that_need_them_at_once(bridge: Bridge) -> None:
    flows = [limited(port) for port in (1, 2, 0xFEFF)]
    install(bridge, *flows)
    assert bridge.session.held() == Holdings({flow.cookie for flow in flows}, set())
    assert sorted(bridge.session.held_meters()) == sorted(of_port(port, RATE) for port in (1, 2, 0xFEFF))
    bridge.session.apply([], {flow.cookie for flow in flows})
    bridge.session.remove_meters([of_port(port, RATE).number for port in (1, 2, 0xFEFF, 7)])  # one of them is not there
    assert bridge.session.held_meters() == [] and bridge.session.errors == 0


def test_a_meter_is_made_another_without_its_flow(bridge: Bridge) -> None:
    install(bridge, limited(1))
    other = of_port(1, RATE)._replace(rate=77, burst=77)
    bridge.session.apply([], [], meters=[wire.meter_mod(1, other, True)])
    assert bridge.session.held_meters() == [other]
    assert bridge.session.held() == Holdings({limited(1).cookie}, set())


def test_five_thousand_meters(bridge: Bridge) -> None:
    flows = [limited(port) for port in range(1, 5001)]
    install(bridge, *flows)
    assert len(bridge.session.held_meters()) == len(bridge.session.held().right) == 5000


@pytest.mark.parametrize("others", [1, 50], ids=["in one step", "in two"])
def test_a_refused_meter_is_named(bridge: Bridge, others: int) -> None:
    """Of a short bundle the rest is in force; of a long one nothing is."""
    install(bridge, limited(1))
    rest = [limited(2), *(plain(number) for number in range(3, 3 + others))]
    with pytest.raises(Rejected) as caught:
        install(bridge, limited(1), *rest)  # the first is there already
    assert caught.value.meters.keys() == {of_port(1, RATE).number} and not caught.value.refusals
    assert caught.value.rest == (others == 1)
    applied = {flow.cookie for flow in rest} if caught.value.rest else set()
    assert bridge.session.held() == Holdings({limited(1).cookie} | applied, set())
    assert sorted(bridge.session.held_meters()) == sorted((of_port(1, RATE), of_port(2, RATE)))


@pytest.mark.parametrize("others", [1, 50], ids=["in one step", "in two"])
def test_a_flow_without_its_meter_is_refused(bridge: Bridge, others: int) -> None:
    flows = [limited(1), *(plain(number) for number in range(3, 3 + others))]
    with pytest.raises(Rejected) as caught:
        bridge.session.apply([flow.wire for flow in flows], [])
    held = {flow.cookie for flow in flows[1:]} if caught.value.rest else set()
    assert limited(1).cookie in caught.value.refusals
    assert bridge.session.held() == Holdings(held, set())


def test_a_meter_that_goes_takes_its_flow_along(bridge: Bridge) -> None:
    install(bridge, limited(1), plain(3))
    bridge.ofctl("del-meter", f"meter={of_port(1, RATE).number}")
    assert bridge.session.held() == Holdings({plain(3).cookie}, set())


def test_the_switch_drops_what_is_above_the_rate_before_it_is_copied(bridge: Bridge) -> None:
    """Port 1 is limited to RATE frames a second, port 2 is not; each sends as many at once as a dummy device queues."""
    for number in (1, 2, 3, 4):
        name = f"{bridge.name}m{number}"
        bridge.ovs.vsctl(
            *("add-port", bridge.name, name, "--", "set", "interface", name, "type=dummy", f"ofport_request={number}")
        )
    install(bridge, limited(1), Flow(ENTRY, 100, (), (resubmit(LIMIT.number), output(3), output(4))))
    for number in (1, 2):
        frame = f"{'ff' * 6}02000000000{number}88b5{'00' * 46}"
        bridge.ovs.appctl("netdev-dummy/receive", f"{bridge.name}m{number}", *[frame] * QUEUE)
        until(lambda number=number: packets(bridge, number, "rx") == QUEUE)  # type: ignore[misc]
    until(lambda: packets(bridge, 3, "tx") >= QUEUE)
    assert packets(bridge, 3, "tx") == packets(bridge, 4, "tx") <= QUEUE + 40  # RATE, and RATE each second that it took


def packets(bridge: Bridge, port: int, way: str) -> int:
    said = bridge.ofctl("dump-ports", str(port))
    found = re.search(rf"{way} pkts=(\d+)", said)
    assert found is not None, said
    return int(found[1])

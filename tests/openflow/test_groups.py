"""Groups on a real ovs-vswitchd: with flows in one bundle, dumped, tampered with, refused."""

from __future__ import annotations

import pytest

from apps.pipeline import BUCKET, FABRIC, FORWARD, IMPOSE, TO_SWITCH
from controller.flow import Bucket, Flow, Group, field, label_ttl, output, put, resubmit, to_group
from controller.flow.group import removal
from controller.openflow.session import Holdings
from controller.runtime.errors import Rejected
from tests.openflow.test_ovs import Bridge, bridge, ovs

__all__ = ["bridge", "ovs"]

SELECT = Group("select", tuple(Bucket((BUCKET.put(number), resubmit(IMPOSE.number))) for number in range(4)))
FAILOVER = Group(
    "fast_failover",
    (Bucket((output(1),), 1), Bucket((put("mpls_tc", 7), label_ttl(255), output(2)), 2)),
)
LABELLED = (field("eth_type", 0x8847), field("mpls_label", 5))
USERS = [
    Flow(FABRIC, 100, (TO_SWITCH.match(5),), (to_group(SELECT),)),
    Flow(FORWARD, 100, LABELLED, (label_ttl(3), to_group(FAILOVER))),
]
COOKIES = {flow.cookie for flow in USERS}
NUMBERS = {SELECT.number, FAILOVER.number}


def install(bridge: Bridge) -> None:
    bridge.session.apply([flow.wire for flow in USERS], [], [SELECT.wire, FAILOVER.wire])


def test_flows_and_groups_in_one_bundle(bridge: Bridge) -> None:
    install(bridge)
    assert bridge.session.held() == Holdings(COOKIES, set())
    assert bridge.session.held_groups() == Holdings(NUMBERS, set())
    bridge.session.apply([], COOKIES, [], [SELECT.gone, FAILOVER.gone])
    assert bridge.session.held() == bridge.session.held_groups() == Holdings(set(), set())


def test_a_group_prints_as_open_vswitch_takes_it(bridge: Bridge) -> None:
    bridge.ofctl("add-group", str(SELECT))
    bridge.ofctl("add-group", str(FAILOVER))
    assert bridge.session.held_groups() == Holdings(NUMBERS, set())


def test_tampering_is_seen_and_repaired(bridge: Bridge) -> None:
    install(bridge)
    bridge.ofctl("mod-group", f"group_id={FAILOVER.number},type=ff,bucket=watch_port:1,actions=output:1")
    bridge.ofctl("add-group", "group_id=7,type=all,bucket=actions=output:1")
    held = bridge.session.held_groups()
    assert held == Holdings({SELECT.number}, {FAILOVER.number, 7})
    bridge.session.apply([], [], [FAILOVER.wire], [removal(7)])
    assert bridge.session.held_groups() == Holdings(NUMBERS, set())
    assert bridge.session.held() == Holdings(COOKIES, set())


def test_a_refused_group_is_named_and_nothing_is_applied(bridge: Bridge) -> None:
    bad = Group("fast_failover", (Bucket((output(0xFFFFFF01),), 1),))
    user = Flow(FORWARD, 100, LABELLED, (to_group(bad),))
    with pytest.raises(Rejected) as caught:
        bridge.session.apply([USERS[0].wire, user.wire], [], [SELECT.wire, bad.wire])
    assert bad.number in caught.value.groups
    assert bridge.session.held() == bridge.session.held_groups() == Holdings(set(), set())

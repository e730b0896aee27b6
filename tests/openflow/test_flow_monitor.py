"""The flow monitor: bytes as Open vSwitch 3.1 and ovs-ofctl were seen to exchange them, and a real switch."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from math import inf

import pytest

from apps.pipeline import LOCAL
from controller.openflow import flow_monitor, framework, wire
from controller.openflow.session import Session
from controller.openflow.wire import Malformed
from tests.openflow.conftest import Bench
from tests.openflow.flows import Heard, until
from tests.openflow.programmed import Programmed, plain, programmed
from tests.ovs import PrivateOvs

ADDED = "002800000000000700000000000e030000000000000000050001000e800006060200000000010000"
MODIFIED = "002800020000000700000000000e030000000000000000050001000e800006060200000000010000"
REMOVED = "002800010002000700000000000e030000000000000000060001000e800006060200000000010000"
ABBREVIATED = "0008000300000007"


def body(*updates: str) -> bytes:
    return bytes.fromhex("4f4e46000000074e" + "".join(updates))


# --- bytes ---


def test_the_request_is_what_ovs_ofctl_sends() -> None:
    """`ovs-ofctl -O OpenFlow13 monitor br 'watch:!initial,!own,!actions'`"""
    sent = "0412003000000006ffff0000000000004f4e46000000074e00000000000e0004ffffffffff0000000001000400000000"
    assert flow_monitor.request(6).hex() == sent


def test_the_cancellation() -> None:
    """`ovs-ofctl ofctl/send` of it ends the monitor; a second one is refused as NXBRC_FM_BAD_ID."""
    assert flow_monitor.cancel(0x37).hex() == "04040014000000374f4e46000000074e00000000"


@pytest.mark.parametrize(
    "updates, changes",
    [
        ((), 0),
        ((ABBREVIATED,), 0),
        ((ADDED,), 1),
        ((ADDED, ABBREVIATED, MODIFIED, REMOVED), 3),
        ((REMOVED[:8] + "0000" + REMOVED[12:], REMOVED[:8] + "0001" + REMOVED[12:]), 0),  # idle and hard timeout
    ],
)
def test_changes_by_others_are_counted(updates: tuple[str, ...], changes: int) -> None:
    assert flow_monitor.foreign(body(*updates)) == changes


def test_what_is_of_another_experimenter_is_nothing() -> None:
    assert flow_monitor.foreign(bytes.fromhex("0000232000000002" + ADDED)) == 0
    assert flow_monitor.foreign(b"\0\1") == 0


@pytest.mark.parametrize(
    "broken", ["0000000000000000", "0004000000000000", "00090000000000000000", "00280000", ADDED[:-2]]
)
def test_an_update_whose_length_does_not_hold_is_malformed(broken: str) -> None:
    with pytest.raises(Malformed):
        flow_monitor.foreign(body(ADDED, broken))


# --- a switch that is simulated: what Open vSwitch does seldom ---


def test_a_switch_that_knows_no_monitor_goes_on_without(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "tenet.openflow")
    _, peer = bench.switch()
    for _ in range(3):
        peer.flow_monitor.begin(lambda changes: None)
        peer.held()  # answered after it
        peer.flow_monitor.end()
    lines = [each.getMessage() for each in caplog.records if "by others" in each.getMessage()]
    assert lines == [
        "switch 0000000000000001 does not tell of changes by others, audits find them: "
        "OFPBRC_BAD_MULTIPART (type 1, code 2)"
    ]
    assert peer.errors == 0


def test_a_paused_monitor_is_one_change_of_unknown_size(bench: Bench) -> None:
    switch, peer = bench.switch()
    changes: list[int] = []
    peer.flow_monitor.begin(changes.append)
    switch.send_raw(_updates(ADDED))
    switch.send_raw(wire.message(wire.EXPERIMENTER, 0, bytes.fromhex("4f4e46000000074f")))  # paused
    switch.send_raw(_updates(REMOVED, ADDED))  # from here on changes of ours are among them
    switch.send_raw(wire.message(wire.EXPERIMENTER, 0, bytes.fromhex("4f4e460000000750")))  # resumed
    switch.send_raw(_updates(REMOVED, ABBREVIATED, ADDED))
    until(lambda: len(changes) == 3)
    assert changes == [1, 0, 2]


def _updates(*updates: str) -> bytes:
    head = wire.EXPERIMENTER_MULTIPART.to_bytes(2, "big") + bytes(6)
    return wire.message(wire.MULTIPART_REPLY, 0, head + body(*updates))


# --- a real one, kept right by a programmer that is never due to audit ---


@pytest.fixture(scope="module")
def ovs() -> Iterator[PrivateOvs]:
    with PrivateOvs() as running:
        yield running


@pytest.fixture
def site(ovs: PrivateOvs) -> Iterator[Programmed]:
    with programmed(ovs) as made:
        yield made


_FIRST = f"table={LOCAL.number},dl_dst=00:00:00:00:00:00"
_FOREIGN = {
    "added": ("add-flow", "table=0,priority=5,actions=drop"),
    "edited in place": ("mod-flows", f"{_FIRST},actions=drop"),
    "replaced": ("add-flow", f"{_FIRST},priority=100,cookie=5,actions=drop"),
    "deleted": ("del-flows", _FIRST),
    "all deleted": ("del-flows",),
}


@pytest.mark.parametrize("how", _FOREIGN)
def test_a_foreign_change_is_repaired_without_an_audit(site: Programmed, how: str) -> None:
    command, *arguments = _FOREIGN[how]
    site.ofctl(command, *arguments)
    until(lambda: site.programmer.repaired)
    until(site.right)
    assert site.programmer.foreign.count >= (100 if how == "all deleted" else 1)


def test_flows_that_go_with_a_foreign_meter_are_repaired(site: Programmed) -> None:
    site.ofctl("add-meter", "meter=7,pktps,band=type=drop,rate=5")
    site.ofctl("add-flow", f"{_FIRST},priority=100,actions=meter:7,output:1")
    until(lambda: site.programmer.foreign.count >= 1)
    site.ofctl("del-meter", "meter=7")
    until(lambda: site.programmer.repaired)
    until(site.right)


def test_own_bundles_are_no_foreign_changes(site: Programmed) -> None:
    more = [plain(number) for number in range(1000, 3000)]
    updates = _updates_received(site.session)
    site.session.apply([flow.wire for flow in more], [])
    site.session.apply([], {flow.cookie for flow in more[:1000]})
    site.session.apply([flow.wire for flow in more[:10]], [])
    site.session.flow_count()  # answered after all else
    assert site.programmer.foreign.count == 0 and site.programmer.foreign.due == inf
    assert len(updates) == 3 and sum(map(len, updates)) <= 3 * 16  # one abbreviated entry a bundle, whatever its size
    site.ofctl("add-flow", "table=0,priority=5,actions=drop")
    until(lambda: site.programmer.foreign.count == 1)


def test_who_is_no_longer_asked_is_told_nothing(site: Programmed) -> None:
    """As after a change of mastership: every flow of the next master would come, and in full."""
    site.programmer.end()
    updates = _updates_received(site.session)
    until(lambda: site.session.flow_monitor._changed is None)
    site.session.flow_count()  # answered once the cancellation has been read
    site.ofctl("add-flow", "table=0,priority=5,actions=drop")
    site.session.flow_count()
    assert updates == []
    changes: list[int] = []
    site.session.flow_monitor.begin(changes.append)
    site.session.flow_count()
    site.ofctl("del-flows", "table=0")
    until(lambda: changes == [1])
    assert site.session.errors == 0


def test_a_change_by_an_earlier_master_that_came_late_is_foreign(site: Programmed) -> None:
    """Another connection writes beside ours: what it does after our dump is put right, whoever it is."""
    other = Heard()
    server = framework.serve(("127.0.0.1", 0), other)
    mine = site.ovs.vsctl("get-controller", site.name).split()
    site.ovs.vsctl("set-controller", site.name, *mine, f"tcp:127.0.0.1:{server.address[1]}")
    until(lambda: other.sessions)
    other.sessions[site.session.dpid].apply([plain(5000).wire], {plain(1).cookie})
    until(lambda: site.programmer.repaired == 2)
    until(site.right)
    assert site.programmer.foreign.count == 2
    server.close()


def test_a_flood_of_foreign_changes_is_repaired_at_its_end(site: Programmed, caplog: pytest.LogCaptureFixture) -> None:
    """More than a monitor's queue takes, while nobody reads: Open vSwitch pauses it, and tells when it goes on."""
    path = site.ovs.directory / "flood"
    lines = [f"table=9,priority={number + 1},in_port=1,actions=drop" for number in range(30_000)]
    path.write_text("\n".join(lines) + "\n")
    dumps = _counted(site.session)
    with caplog.at_level(logging.WARNING, "tenet.switch"):
        site.ovs.ofctl("add-flows", site.name, str(path))  # the hub stands still meanwhile: nothing is read
        until(site.right, timeout=120.0)
    said = [record.getMessage() for record in caplog.records if "by others" in record.getMessage()]
    assert 0 < len(said) <= len(dumps) < 8


def _updates_received(session: Session) -> list[bytes]:
    """The bodies of all updates from now on."""
    received: list[bytes] = []
    updated = session.flow_monitor.updated

    def note(content: bytes) -> None:
        received.append(content)
        updated(content)

    session.flow_monitor.updated = note  # type: ignore[method-assign]
    return received


def _counted(session: Session) -> list[int]:
    """One entry for each dump of flows from now on."""
    dumps: list[int] = []
    held_groups = session.held_groups

    def note() -> object:
        dumps.append(1)
        return held_groups()

    session.held_groups = note  # type: ignore[method-assign, assignment]
    return dumps

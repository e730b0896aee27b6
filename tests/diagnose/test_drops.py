"""Rings of the last drops: bounded, and what is alike is told together."""

from __future__ import annotations

from controller.diagnose.drops import KEPT, PORTS, LastDrops, reason
from tests.openflow.packets import packed
from tests.world import frame


def packet(source: int = 1, here: int = 5, there: int = 22) -> bytes:
    return packed(frame(
        eth_src="02:00:00:00:00:01", eth_dst="02:00:00:00:00:02", eth_type=0x0800, ipv4_src=f"10.0.0.{source}",
        ipv4_dst="10.0.0.2", ip_proto=6, tcp_src=here, tcp_dst=there,
    ))  # fmt: skip


def test_packets_from_any_port_to_one_are_one_kind() -> None:
    now = [100.0]
    last = LastDrops(lambda: now[0])
    for here in range(50):
        now[0] += 1
        last.note("p", "ingress", 2, packet(here=here))
    last.note("p", "egress", 2, packet())
    newest, older = last.of("p")
    assert (newest.kind.direction, newest.count) == ("egress", 1)
    assert (older.first, older.last, older.count) == (101.0, 150.0, 50)
    assert reason(older.kind, "no rule") == "no rule" and last.of("q") == []


def test_what_cannot_be_read_is_left_out() -> None:
    last = LastDrops()
    assert last.note("p", "ingress", 2, b"short") is None and last.of("p") == []


def test_a_port_keeps_the_latest_and_so_do_all() -> None:
    last = LastDrops()
    for there in range(KEPT + 5):
        last.note("p", "ingress", 2, packet(there=there))
    assert [one.kind.headers.second for one in last.of("p")] == list(range(KEPT + 4, 4, -1))
    for number in range(PORTS - 1):
        last.note(f"q{number}", "ingress", 2, packet())
    assert len(last.of("p")) == KEPT
    last.note("p", "ingress", 2, packet(source=9))
    last.note("r", "ingress", 2, packet())
    assert last.of("q0") == [] and len(last.of("p")) == KEPT and last.of("r")


def test_reasons() -> None:
    last = LastDrops()
    told = [last.note("p", "egress", outcome, packet()) for outcome in (2, 3, 4, 5)]
    assert [reason(kind, "") for kind in told if kind] == [
        "no rule allowed tcp/22 then", "a port may not be a DHCP server or a router",
        "ethertype IPv4 is not permitted", "tcp/22 belongs to no connection, and can begin none",
    ]  # fmt: skip

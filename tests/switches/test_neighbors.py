"""Neighbours are asked for, believed when they were, written down, asked again, and removed; with a real store."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import cast

import pytest
from msgspec.structs import replace

from apps.host_mac import host_mac
from apps.packets.neighbor_query import question
from apps.routing.asking import into_network
from apps.routing.errors import by_route
from controller.model.reader import Reader
from controller.model.rows import Neighbor, Router, Row
from controller.openflow.session import Session
from controller.store import open_store
from controller.store.replica import Replica
from controller.store.transaction import Transaction, transact
from controller.switches import neighbor_rows, questions
from controller.switches.neighbors import MISSED, RouterNeighbors
from controller.switches.packet_in import FrameOut
from tests.apps.clouds import NETWORKS, mac, port
from tests.lab import frames
from tests.os_packets import icmp, packet
from tests.switches import routed
from tests.switches.routed import INTERFACES, NUMBER
from tests.switches.test_packet_in import Talking

RED, STRANGER, OTHER = NETWORKS["red"], "02:00:00:00:00:aa", "02:00:00:00:00:bb"
HOST = frames.mac(host_mac(1))


class Switch1(Talking):
    closed = False


class Bench:
    """The master of h1; time is what the test says."""

    def __init__(self, folder: Path) -> None:
        self.now = 1000.0
        self.store = open_store(f"sqlite:///{folder}/tenet.db")
        self.replica = Replica(self.store)
        self.replica.start()
        self.away: set[str] = set()
        self.neighbors = RouterNeighbors(
            self.store, self.replica, lambda one: one in self.away, lambda _: True, clock=lambda: self.now
        )
        self.session = Switch1()
        self.put(*routed.rows())

    def put(self, *rows: Row) -> None:
        def rules(tx: Transaction) -> None:
            for row in rows:
                tx.put(row)

        transact(self.store, self.replica, rules)

    def remove(self, row: Row) -> None:
        transact(self.store, self.replica, lambda tx: tx.delete(row))

    def want(
        self, address: str = "10.0.0.9", source: str = "10.0.1.1", *, router: int = NUMBER, ttl: bytes = b""
    ) -> bytes:
        """A packet of blue waits for an address in red; the frame."""
        head = frames.ipv4(source, address, 17, bytes(20)) if "." in address else _six(address)
        kind = frames.IPV4 if "." in address else frames.IPV6
        data = frames.ethernet(INTERFACES["red"], INTERFACES["red"], kind, head)
        value = int(ip_address(address))
        words = {"reg4": value} if "." in address else {f"reg{n}": value >> 96 - 32 * n & 0xFFFFFFFF for n in range(4)}
        registers = {"metadata": RED, **words, "reg5": router}
        self.neighbors.wanted(cast(Session, self.session), routed.packet_in(data, **registers))
        return data

    def answer(self, address: str = "10.0.0.9", mac: str = STRANGER, segment: int = RED, dpid: int = 1) -> None:
        self.session.dpid = dpid
        said = frames.ethernet(host_mac(1), mac, frames.ARP, frames.arp(2, mac, address, "0.0.0.0", host_mac(1)))
        self.neighbors.answered(cast(Session, self.session), routed.packet_in(said, metadata=segment))
        self.session.dpid = 1

    def turn(self, after: float = 0.0) -> list[bytes]:
        """Frames that are sent by now."""
        self.now += after
        self.neighbors.turn()
        return self.sent()

    def sent(self) -> list[bytes]:
        sent = [data for _, _, data in self.session.sent]
        self.session.sent.clear()
        return sent

    def settle(self) -> None:
        """Write down what was found."""
        queue = self.neighbors._found
        self.neighbors.write([queue.get() for _ in range(queue.qsize())])

    def again(self, row_id: str = "red/10.0.0.9") -> list[FrameOut]:
        """The periodic work asks a neighbour again."""
        return list(self.neighbors.refresh.frames(row_id, Reader(self.replica.model, "h1")))

    @property
    def rows(self) -> list[tuple[str, str, str]]:
        rows = self.replica.model.rows(Neighbor).values()
        return sorted((row.row_id, row.mac, row.switch_id) for row in rows)

    def outcomes(self) -> dict[str, float]:
        return {
            sample.labels["outcome"]: sample.value
            for each in self.neighbors.metrics() for sample in each.samples if "outcome" in sample.labels
        }  # fmt: skip

    def close(self) -> None:
        self.replica.stop()
        self.store.close()


def _six(address: str) -> bytes:
    head = (6 << 28).to_bytes(4, "big") + (20).to_bytes(2, "big") + b"\x11\x40"
    return head + frames.address("2001:db8:1::1") + frames.address(address) + bytes(20)


def to(data: bytes, address: str) -> bytes:
    return frames.mac(address) + data[6:]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


ASKED = question(HOST, ip_address("10.0.0.9"))


def test_who_is_wanted_is_asked_written_down_and_gets_the_packet_that_waited(bench: Bench) -> None:
    bench.want(source="10.0.1.7")
    last = bench.want()
    assert bench.turn() == [ASKED] and bench.turn() == []
    bench.answer()
    (_, actions, data) = bench.session.sent[0]
    assert data == to(last, STRANGER) and actions == b"".join(one.wire for one in into_network(RED))
    bench.settle()
    assert bench.rows == [("red/10.0.0.9", STRANGER, "h1")]
    assert bench.replica.model.rows(Neighbor)["red/10.0.0.9"].router_id == "r"
    bench.sent()
    waits = bench.want()  # until its switch has the flow
    assert bench.sent() == [to(waits, STRANGER)] and bench.turn(60.0) == []


def test_a_neighbour_of_ipv6_is_solicited(bench: Bench) -> None:
    bench.want("2001:db8::9")
    assert bench.turn() == [question(HOST, ip_address("2001:db8::9"))]


def test_who_does_not_answer_is_asked_three_times_and_the_sender_is_told(bench: Bench) -> None:
    bench.want(source="10.0.1.1")
    assert [bench.turn(), bench.turn(1.0), bench.turn(1.0)] == [[ASKED]] * 3
    bench.neighbors.turn()
    bench.now += 1.0
    bench.neighbors.turn()
    ((_, actions, data),) = bench.session.sent
    message = packet.Packet(data).get_protocol(icmp.icmp)
    assert (message.type, message.code) == (3, 1) and actions == b"".join(one.wire for one in by_route(NUMBER))
    bench.sent()
    bench.want()  # a moment later nobody is asked: the sender is told at once
    assert len(bench.sent()) == 1 and bench.turn() == []
    bench.now += questions.FAILED
    bench.want()
    assert bench.turn() == [ASKED]
    assert bench.outcomes() == {"unanswered": 1, "failed": 1}


def test_an_answer_counts_only_where_it_was_asked_for(bench: Bench) -> None:
    bench.answer()
    bench.want()
    bench.answer(segment=NETWORKS["blue"])
    bench.answer(dpid=2)
    bench.answer("10.0.0.8")
    bench.settle()
    assert bench.rows == [] and bench.outcomes() == {"unasked": 4}
    bench.answer()
    bench.answer(mac=OTHER)  # the question has been answered
    bench.settle()
    assert bench.rows == [("red/10.0.0.9", STRANGER, "h1")]


@pytest.mark.parametrize("address", ["10.0.0.1", "192.0.2.1", "10.0.0.255", "10.0.0.0", "10.0.0.254"])
def test_nobody_is_asked_for_what_a_port_has_or_no_subnet(bench: Bench, address: str) -> None:
    bench.want(address)
    assert question(HOST, ip_address(address)) not in bench.turn()
    bench.answer(address)
    bench.settle()
    assert bench.rows == []


def test_a_vip_whose_port_is_plugged_in_nowhere_is_its_users_alone(bench: Bench) -> None:
    bench.want("10.0.0.50")
    assert bench.turn() == [question(HOST, ip_address("10.0.0.50"))]
    bench.answer("10.0.0.50", STRANGER)
    bench.answer("10.0.0.50", mac(2))
    bench.settle()
    assert bench.rows == [("red/10.0.0.50", mac(2), "h1")]
    assert bench.outcomes()["disbelieved"] == 1


def known(bench: Bench, mac: str = STRANGER, at: str = "h1") -> Neighbor:
    row = Neighbor(network_id="red", ip_address="10.0.0.9", mac=mac, switch_id=at, router_id="r")
    bench.put(row)
    return row


def test_a_neighbour_is_asked_again_alone_then_everybody_then_it_is_gone(bench: Bench) -> None:
    known(bench)
    alone = question(HOST, ip_address("10.0.0.9"), frames.mac(STRANGER))
    jobs = [job.subject for job in bench.neighbors.refresh.jobs(Reader(bench.replica.model, "h1"))]
    assert jobs == ["red/10.0.0.9"]
    assert list(bench.neighbors.refresh.jobs(Reader(bench.replica.model, "h2"))) == []
    for _ in range(MISSED + 2):  # one that answers stays
        assert [one.data for one in bench.again()] == [alone]
        bench.answer()
    assert [[one.data for one in bench.again()] for _ in range(MISSED)] == [[alone], *[[ASKED]] * (MISSED - 1)]
    bench.settle()
    assert bench.rows
    assert bench.again() == []
    bench.settle()
    assert bench.rows == []


def test_a_neighbour_that_answers_with_another_mac_has_moved(bench: Bench) -> None:
    known(bench)
    bench.answer(mac=OTHER)
    bench.settle()
    assert bench.rows == [("red/10.0.0.9", STRANGER, "h1")]  # nobody had asked
    bench.again()
    bench.answer(mac=OTHER)
    bench.answer(mac="02:00:00:00:00:cc")
    bench.settle()
    assert bench.rows == [("red/10.0.0.9", OTHER, "h1")]


def test_a_neighbour_that_tells_of_another_mac_is_asked_and_not_believed(bench: Bench) -> None:
    known(bench)

    def announce(mac: str) -> None:
        said = frames.ethernet("ff:ff:ff:ff:ff:ff", mac, frames.ARP, frames.arp(1, mac, "10.0.0.9", "10.0.0.9"))
        bench.neighbors.announced(cast(Session, bench.session), routed.packet_in(said, metadata=RED))

    announce(STRANGER)
    assert bench.turn() == []
    announce(OTHER)
    announce("02:00:00:00:00:cc")
    assert bench.turn() == [ASKED]
    bench.settle()
    assert bench.rows == [("red/10.0.0.9", STRANGER, "h1")]
    bench.answer(mac=OTHER)
    bench.settle()
    assert bench.rows == [("red/10.0.0.9", OTHER, "h1")] and bench.sent() == []


def test_what_a_port_declares_and_what_no_router_needs_is_removed(bench: Bench) -> None:
    known(bench)
    bench.put(port("carol", "red", 9))
    bench.put(replace(routed.plugged("carol", 1, 9)))
    assert bench.again() == []
    bench.settle()
    assert bench.rows == []


def test_a_neighbour_in_an_external_network_stays_though_no_interface_is_there(bench: Bench) -> None:
    row = Neighbor(network_id="world", ip_address="203.0.113.1", mac=STRANGER, switch_id="h1", router_id="r")
    bench.put(row)
    alone = question(HOST, ip_address("203.0.113.1"), frames.mac(STRANGER))
    assert [one.data for one in bench.again(row.row_id)] == [alone]


def test_rows_go_with_the_last_interface_in_their_network(bench: Bench) -> None:
    known(bench)
    for row in routed.rows():
        if row.key == "router_interface/if-red":
            bench.remove(row)
    assert bench.again() == []
    bench.settle()
    assert bench.rows == []


def test_another_switch_asks_for_one_that_is_away(bench: Bench) -> None:
    known(bench, at="h9")
    bench.away = {"h9", "h1"}
    bench.neighbors.adopt()
    bench.settle()
    assert bench.rows == [("red/10.0.0.9", STRANGER, "h2")]
    bench.away = {"h1", "h2"}
    bench.neighbors.adopt()
    bench.settle()
    assert bench.rows == [("red/10.0.0.9", STRANGER, "h2")]  # nobody else can


def test_a_scan_of_unknown_addresses_opens_so_many_questions_and_no_more(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for number in range(60, 250):
            bench.want(f"10.0.0.{number}")
    assert len(bench.turn()) == questions.OF_ROUTER
    assert len([one for one in caplog.records if "too many neighbours" in one.message]) < 4
    other = Router(id="s", project_id="t", number=NUMBER + 1, segment=901)
    bench.put(other)
    bench.want("10.0.0.251", router=NUMBER + 1)  # of another router's nothing is taken
    assert question(HOST, ip_address("10.0.0.251")) in bench.turn()
    for _ in range(4):
        bench.turn(1.0)
    assert bench.outcomes()["unanswered"] == questions.OF_ROUTER + 1
    assert not len(bench.neighbors._questions)


def test_a_switch_has_so_many_open_questions(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "OF_SWITCH", 3)
    for number in range(60, 70):
        bench.want(f"10.0.0.{number}")
    assert len(bench.turn()) == 3


@pytest.mark.parametrize("bound", ["OF_NETWORK", "OF_ROUTER"])
def test_a_station_that_answers_for_all_addresses_fills_no_more_than_its_share(
    bench: Bench, bound: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(neighbor_rows, bound, 5)
    with caplog.at_level(logging.WARNING):
        for number in range(60, 80):
            bench.want(f"10.0.0.{number}")
            bench.answer(f"10.0.0.{number}")
            bench.settle()
    assert len(bench.rows) == 5 and "too many neighbours" in caplog.text


def test_what_failed_is_remembered_within_bounds(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "REMEMBERED", 4)
    for number in range(60, 70):
        bench.want(f"10.0.0.{number}")
    for _ in range(5):
        bench.turn(1.0)
    assert len(bench.neighbors._questions._failed) == 4

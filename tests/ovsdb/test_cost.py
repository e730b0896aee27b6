"""What an update costs on a hypervisor with 500 interfaces."""

from __future__ import annotations

import json
import time

import msgspec
import pytest

from controller.ovsdb.describe import describe
from controller.ovsdb.desired import desired
from controller.ovsdb.framing import Framer
from controller.ovsdb.replica import DatabaseReplica
from tests.ovsdb.database import Database, pairs
from tests.ovsdb.peer import everything
from tests.ovsdb.test_desired import IDS, TARGET, put_right

COUNT = 500


@pytest.fixture(scope="module")
def db() -> Database:
    made = Database(**IDS)
    put_right(made)
    ids = pairs({"iface-id": "8a5f37bc-1a3e-4f0a-9d56-3e1c7a8d4b21", "attached-mac": "02:00:00:00:00:01"})
    for n in range(COUNT):
        made.plug("br-int", f"tap{n}", ofport=n + 1, external_ids=ids)
    return made


def milliseconds(work, times: int) -> float:
    start = time.thread_time()
    for _ in range(times):
        work()
    return (time.thread_time() - start) / times * 1000


def receive(replica: DatabaseReplica, text: bytes) -> None:
    for message in Framer().feed(text):
        replica.apply(msgspec.json.decode(message))
    desired(replica, (TARGET,))
    describe(replica)


def test_a_changed_interface_costs_little(db):
    uuid = db.find("Interface", "tap7")
    row = db.rows["Interface", uuid]
    text = json.dumps({"Interface": {uuid: {"old": {"ofport": 1}, "new": row | {"ofport": 900}}}}).encode()
    cost = milliseconds(lambda: receive(db.replica, text), 50)
    print(f"one interface of {COUNT} changed: {cost:.2f} ms")
    assert cost < 50


def test_a_new_port_costs_little(db):
    uuid = db.find("Bridge", "br-int")
    row = db.rows["Bridge", uuid]
    text = json.dumps({"Bridge": {uuid: {"old": {"ports": row["ports"]}, "new": row}}}).encode()
    cost = milliseconds(lambda: receive(db.replica, text), 20)
    print(f"one port added to {COUNT}: {cost:.2f} ms")
    assert cost < 20


def test_the_whole_is_read_in_no_time(db):
    text = json.dumps(everything(db)).encode()
    cost = milliseconds(lambda: receive(DatabaseReplica(), text), 3)
    print(f"all of {COUNT} interfaces ({len(text)} bytes): {cost:.0f} ms")
    assert cost < 1000

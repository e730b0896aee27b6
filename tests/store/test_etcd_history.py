"""Random histories on etcd, of two processes' stores, with answers that are lost, compactions and new beginnings.

Judge is the model of `test_history`.  Each history comes from a seed, which is all that one needs to see it again.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple
from urllib.error import HTTPError

import pytest

from controller.runtime import hub
from controller.runtime.errors import Changed
from controller.store import open_store
from controller.store.store import Change, Store
from tests.store.etcd_process import Cluster
from tests.store.test_history import KEYS, PREFIXES, Model
from tests.store.wire import Wire

HISTORIES = int(os.environ.get("TENET_ETCD_HISTORIES", "40"))
STEPS = 15
AGES = [0, 0, 0, 0, 1, 2, 100]  # of what is relied on, in revisions
LOST = (0, 0, 0, 1, 2)  # answers to the transactions of a step


class Asked(NamedTuple):
    read: dict[str, int]
    write: dict[str, bytes | None]


class History:
    def __init__(self, seed: int, etcd: Cluster) -> None:
        self.random = random.Random(seed)
        self.etcd = etcd
        self.prefix = f"history/{seed}"
        self.wire = Wire(etcd.members[0].port)
        self.other = open_store(etcd.url(self.prefix))
        self.model = Model()
        self.kinds = {"made": 0, "refused": 0}
        self.open()

    def open(self) -> None:
        self.store: Store = open_store(f"etcd://127.0.0.1:{self.wire.port}/{self.prefix}")
        self.revisions = [self.store.everything()[0]]  # known to have been, since it was opened
        self.seen: list[Change] = []
        changes = self.store.changes(self.revisions[0])
        hub.spawn(lambda seen=self.seen: seen.extend(change for batch in changes for change in batch))

    def live(self) -> None:
        for _ in range(STEPS):
            self.wire.answers_to_lose = self.random.choice(LOST)
            self.random.choice([self.together, self.together, self.elsewhere, self.compact, self.again])()
            self.check()

    def together(self) -> None:
        """Commits that start at the same time are judged in the order in which they start."""
        asked = [self.ask() for _ in range(self.random.randint(1, 4))]
        threads = [hub.spawn(answer, self.store, each) for each in asked]
        for each, thread in zip(asked, threads, strict=True):
            self.judge(each, thread.wait())

    def elsewhere(self) -> None:
        each = self.ask()
        self.judge(each, answer(self.other, each))
        with hub.Timeout(10):  # until the feed has brought it: what is read from now on is read of it
            while self.newest() < self.revisions[-1]:
                hub.sleep(0.002)

    def compact(self) -> None:
        with suppress(HTTPError):  # it is compacted up to there already
            self.etcd.members[0].post("kv/compaction", {"revision": self.revisions[-1]})

    def again(self) -> None:
        self.store.close()
        self.followed()
        self.open()

    def ask(self) -> Asked:
        """What relies on revisions that were current some time ago."""
        draw = self.random
        read = {}
        for key in draw.sample(KEYS + PREFIXES, draw.randint(0, 3)):
            at = self.revisions[max(len(self.revisions) - 1 - draw.choice(AGES), 0)]
            read[key] = at if key.endswith("/") else self.model.rows(at).get(key, (0, b""))[0]
        keys = draw.sample(KEYS, draw.randint(1, 4))
        return Asked(read, {key: draw.choice([None, draw.randbytes(2)]) for key in keys})

    def judge(self, asked: Asked, answer: int | list[str]) -> None:
        stale = {key for key, at in asked.read.items() if self.model.stale(key, at, self.revisions[-1])}
        if isinstance(answer, list):
            assert stale and stale <= set(answer), (asked, answer)  # named is what is stale when it is looked at
            self.kinds["refused"] += 1
            return
        assert not stale and answer >= self.revisions[-1], (asked, answer, stale)
        self.revisions.append(answer)  # those that have nothing to do with each other may share one
        self.model.changes += [Change(answer, key, value) for key, value in asked.write.items()]
        self.kinds["made"] += 1

    def newest(self) -> int:
        return max((change.revision for change in self.seen), default=self.revisions[0])

    def check(self) -> None:
        newest = self.model.changes[-1].revision if self.model.changes else 0
        for store in (self.store, self.other):
            revision, stored = store.everything()
            assert revision >= newest
            assert {row.key: (row.revision, row.value) for row in stored} == self.model.rows(revision)

    def followed(self) -> None:
        """The follower was told of every row's last change since it began, in order, and of nothing else."""
        revisions = [change.revision for change in self.seen]
        assert revisions == sorted(revisions)
        told = {change.key: change for change in self.seen}
        made = {change.key: change for change in self.model.changes if change.revision > self.revisions[0]}
        puts = {key: change for key, change in made.items() if change.value is not None}
        assert {key: change for key, change in told.items() if change.value is not None} == puts
        assert told.keys() <= made.keys()  # that what was not there was deleted need not be told

    def end(self) -> None:
        self.other.close()
        self.wire.close()


def answer(store: Store, asked: Asked) -> int | list[str]:
    try:
        return store.commit(asked.read, asked.write)
    except Changed as changed:
        return changed.keys


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    with hub.Timeout(120):
        yield


@pytest.mark.parametrize("first", range(0, HISTORIES, 10))
def test_histories(etcd: Cluster, first: int) -> None:
    kinds = {"made": 0, "refused": 0}
    for seed in range(first, first + 10):
        history = History(seed, etcd)
        history.live()
        history.again()
        history.store.close()
        history.end()
        kinds = {kind: kinds[kind] + number for kind, number in history.kinds.items()}
    assert min(kinds.values()) > 30, kinds

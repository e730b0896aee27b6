"""Random histories of the SQLite engine against a model of a few lines: every answer, every row, every change."""

from __future__ import annotations

import shutil
import tempfile
from typing import NamedTuple

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from controller.runtime import hub
from controller.runtime.errors import Changed
from controller.store import open_store
from controller.store.store import Change

KEYS = ["a/1", "a/2", "a/b/1", "a/b/2", "c/1"]
PREFIXES = ["a/", "a/b/", "c/", "d/"]


class Commit(NamedTuple):
    """What to commit.  `read` says how far back what is relied on was read: 0 is now, 1 a revision ago, ..."""

    read: dict[str, int]
    write: dict[str, bytes | None]


commits = st.builds(
    Commit,
    read=st.dictionaries(st.sampled_from(KEYS + PREFIXES), st.sampled_from([0, 0, 0, 0, 1, 2, 100]), max_size=3),
    write=st.dictionaries(st.sampled_from(KEYS), st.none() | st.binary(max_size=3), min_size=1, max_size=4),
)


class Model:
    """The contract, in the plainest way: all changes ever made, searched from end to end."""

    def __init__(self) -> None:
        self.changes: list[Change] = []

    def rows(self, at: int) -> dict[str, tuple[int, bytes]]:
        rows: dict[str, tuple[int, bytes]] = {}
        for revision, key, value in self.changes:
            if revision > at:
                break
            if value is None:
                rows.pop(key, None)
            else:
                rows[key] = (revision, value)
        return rows

    def stale(self, key: str, read: int, now: int) -> bool:
        if key.endswith("/"):
            return any(change.key.startswith(key) and change.revision > read for change in self.changes)
        return self.rows(now).get(key, (0, b""))[0] != read


class History(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp()
        self.model = Model()
        self.revision = 0
        self.opened_at = 0
        self.open()

    def open(self) -> None:
        self.store = open_store(f"sqlite:///{self.folder}/tenet.db")
        self.opened_at = self.revision
        self.seen: list[Change] = []
        changes = self.store.changes(self.revision)
        self.follower = hub.spawn(lambda: self.seen.extend(change for batch in changes for change in batch))

    def close(self) -> None:
        self.store.close()
        self.follower.wait()
        assert self.seen == [change for change in self.model.changes if change.revision > self.opened_at]

    @rule(together=st.lists(commits, min_size=1, max_size=4))
    def commit(self, together: list[Commit]) -> None:
        """Commits that start at the same time are judged in the order in which they start."""
        base = self.revision
        threads = [hub.spawn(self.answer, self.reads(base, each.read), each.write) for each in together]
        for each, thread in zip(together, threads, strict=True):
            read = self.reads(base, each.read)
            stale = [key for key, at in read.items() if self.model.stale(key, at, self.revision)]
            if not stale:
                self.revision += 1
                self.model.changes += [Change(self.revision, key, value) for key, value in each.write.items()]
            assert thread.wait() == (stale or self.revision)

    def reads(self, now: int, ages: dict[str, int]) -> dict[str, int]:
        """The revisions that somebody has read at `age` revisions before `now`, but not before the store was opened."""
        read = {}
        for key, age in ages.items():
            at = max(now - age, self.opened_at)
            read[key] = at if key.endswith("/") else self.model.rows(at).get(key, (0, b""))[0]
        return read

    def answer(self, read: dict[str, int], write: dict[str, bytes | None]) -> int | list[str]:
        try:
            return self.store.commit(read, write)
        except Changed as changed:
            return changed.keys

    @rule()
    @precondition(lambda self: self.revision > self.opened_at)
    def open_again(self) -> None:
        self.close()
        self.open()

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        revision, stored = self.store.everything()
        assert revision == self.revision
        assert {row.key: (row.revision, row.value) for row in stored} == self.model.rows(revision)
        for key in KEYS:
            found = self.store.get(key)
            assert (found and (found.revision, found.value)) == self.model.rows(revision).get(key)

    def teardown(self) -> None:
        self.close()
        shutil.rmtree(self.folder)


History.TestCase.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestHistory = History.TestCase

"""What is particular to the SQLite engine: its file, its crashes, its failing disk."""

from __future__ import annotations

import gc
import os
import resource
import sqlite3
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from controller.diagnose.readiness import FRESH, Readiness
from controller.runtime import hub
from controller.runtime.errors import Changed, Compacted, Misconfigured, Unavailable
from controller.store import log, open_store, revisions
from controller.store.sqlite_file import open_file
from controller.store.store import Change, Store

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    with hub.Timeout(60):
        yield


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/tenet.db"


def rows(store: Store) -> dict[str, tuple[int, bytes]]:
    return {row.key: (row.revision, row.value) for row in store.everything()[1]}


# --- a process that dies ----------------------------------------------------------------------------------------------

WRITER = """
import sys
from controller.runtime import hub
from controller.store import log, open_store, revisions

store = open_store(sys.argv[1])

def write(writer):
    for number in range(250):
        name = f"{writer}-{number}"
        value = name.encode() * 50
        revision = store.commit({}, {f"{kind}/{name}": value for kind in ("a", "b", "c")})
        print(revision, name, flush=True)

for thread in [hub.spawn(write, writer) for writer in range(4)]:
    thread.wait()
"""


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", program, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("acknowledged", [1, 60, 400])
def test_after_kill_9_every_acknowledged_commit_is_whole_and_none_is_half(tmp_path: Path, acknowledged: int) -> None:
    with start(WRITER, url(tmp_path)) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(acknowledged)]
        writer.kill()
        lines += writer.stdout.readlines()
    told = dict(line.split()[::-1] for line in lines if line.endswith("\n"))
    assert acknowledged <= len(told) < 1_000, "it was to be killed in the middle"
    with closing(open_store(url(tmp_path))) as store:
        found = rows(store)
        newest = store.everything()[0]
    assert {name: found[f"a/{name}"][0] for name in told} == {name: int(revision) for name, revision in told.items()}
    for name in {key[2:] for key in found}:
        assert found[f"a/{name}"] == found[f"b/{name}"] == found[f"c/{name}"]
        assert found[f"a/{name}"][1] == name.encode() * 50
    assert newest >= max(revision for revision, _ in found.values())


HOLDER = """
import sys
from controller.store import log, open_store, revisions
store = open_store(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


def test_a_file_that_another_process_has_open_is_refused_until_that_dies(tmp_path: Path) -> None:
    with start(HOLDER, url(tmp_path)) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(Misconfigured, match="another process has it open"):
            open_store(url(tmp_path))
        holder.kill()
        holder.wait()
        open_store(url(tmp_path)).close()


def test_a_file_is_locked_by_whichever_name(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "tenet.db")
    with closing(open_store(url(tmp_path))), pytest.raises(Misconfigured, match="has it open"):
        open_store(f"sqlite:///{tmp_path}/link")


# --- a disk that fails ------------------------------------------------------------------------------------------------


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process may grow beyond 64 KiB meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def outcome(store: Store, read: dict[str, int], write: dict[str, bytes | None]) -> int | type[Exception]:
    try:
        return store.commit(read, write)
    except (Unavailable, Changed) as error:
        return type(error)


def test_a_failing_disk_refuses_what_is_under_way_and_a_working_one_goes_on(tmp_path: Path) -> None:
    store = open_store(url(tmp_path))
    before = store.commit({}, {"a/1": b"1", "a/2": b"2"})
    seen: list[Change] = []
    follower = hub.spawn(lambda: seen.extend(change for changes in store.changes(before) for change in changes))
    big = b"x" * 100_000
    with full_disk():
        threads = [
            hub.spawn(outcome, store, {"a/1": before}, {"a/1": big, "a/2": None, "b/new": big}),
            hub.spawn(outcome, store, {"a/2": 0}, {"b/new": b"relies on the first"}),
            hub.spawn(outcome, store, {"b/new": 0}, {"c/1": b"is refused because of the first"}),
        ]
        assert [thread.wait() for thread in threads] == [Unavailable] * 3
        assert outcome(store, {}, {"d/1": big}) is Unavailable
        with pytest.raises(Changed) as refusal:
            store.commit({"a/1": 0}, {"d/1": b""})
        assert refusal.value.revision == before, "a replica never gets the revision of a commit that failed"
    assert rows(store) == {"a/1": (before, b"1"), "a/2": (before, b"2")}
    # all that was relied on in vain holds again, prefixes too
    after = store.commit({"a/1": before, "a/2": before, "b/new": 0, "a/": before, "b/": before}, {"a/1": b"again"})
    assert after > before + 2, "the revisions of failed commits are not given again"
    store.close()
    follower.wait()
    assert seen == [Change(after, "a/1", b"again")]
    with closing(open_store(url(tmp_path))) as store:
        assert rows(store) == {"a/1": (after, b"again"), "a/2": (before, b"2")}
        assert store.commit({}, {"a/1": b""}) > after


def test_a_probe_tells_a_full_disk_from_one_that_takes_writes(tmp_path: Path) -> None:
    with closing(open_store(url(tmp_path))) as store:
        before = store.commit({}, {"a/1": b"1"})
        readiness = Readiness(store)
        assert readiness.why_not() == ""
        with full_disk():
            for _ in range(16):  # a page each
                with suppress(Unavailable):
                    store.probe()
            with pytest.raises(Unavailable):
                store.probe()
            assert readiness.why_not() == ""  # it was asked just now
            hub.sleep(FRESH)
            assert "takes no writes" in readiness.why_not()
        hub.sleep(FRESH)
        assert readiness.why_not() == ""
        assert rows(store) == {"a/1": (before, b"1")}
        assert store.commit({"a/1": before}, {"a/1": b"2"}) > before


def test_what_is_queued_behind_a_failing_write_fails_with_it(tmp_path: Path) -> None:
    with closing(open_store(url(tmp_path))) as store:
        store.commit({}, {"a/1": b""})
        with full_disk():
            first = hub.spawn(outcome, store, {}, {"a/1": b"x" * 8_000_000})
            hub.sleep(0)
            hub.sleep(0)  # the first is being written by now
            second = hub.spawn(outcome, store, {}, {"a/2": b"small"})
            assert (first.wait(), second.wait()) == (Unavailable, Unavailable)
        assert store.get("a/2") is None
        assert store.commit({"a/2": 0}, {"a/2": b""})


def test_a_foreign_writer_is_noticed_and_nothing_is_written_over_it(tmp_path: Path) -> None:
    with closing(open_store(url(tmp_path))) as store:
        store.commit({}, {"a/1": b"ours"})
        with closing(sqlite3.connect(tmp_path / "tenet.db", isolation_level=None)) as other:
            other.execute("UPDATE newest SET revision = revision + 1")
            with pytest.raises(Unavailable, match="somebody else wrote"):
                store.commit({}, {"a/1": b"over it"})
            found = store.get("a/1")
            assert found is not None and found.value == b"ours"
            other.execute("UPDATE newest SET revision = revision - 1")
        assert store.commit({}, {"a/1": b"again"})


def test_a_locked_database_is_unavailable_and_does_not_stop_the_hub(tmp_path: Path) -> None:
    with closing(open_store(url(tmp_path))) as store:
        with closing(sqlite3.connect(tmp_path / "tenet.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            commit = hub.spawn(store.commit, {}, {"a/1": b""})
            hub.sleep(0.05)  # would not return before SQLite's own patience of 5 s has ended, if the hub waited
            other.execute("ROLLBACK")
        assert commit.wait() == 1


# --- a file that is not ours ------------------------------------------------------------------------------------------


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE address (name TEXT)")


def newer(path: Path) -> None:
    open_store(f"sqlite:///{path}").close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA user_version = 2")


def text(path: Path) -> None:
    path.write_text("[store]\nurl = sqlite:///var/tenet.db\n" * 100)


def damaged(path: Path) -> None:
    with closing(open_store(f"sqlite:///{path}")) as store:
        store.commit({}, {f"k/{number}": b"x" * 300 for number in range(2_000)})
    data = bytearray(path.read_bytes())
    for page in range(3, len(data) // 4096, 2):
        data[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    path.write_bytes(data)


def truncated(path: Path) -> None:
    damaged(path)
    path.write_bytes(path.read_bytes()[:20_000])


def folder(path: Path) -> None:
    path.mkdir()


WRONG = {
    foreign: "another program",
    newer: "schema version 2, this program knows 1",
    text: "not a database",
    damaged: "malformed",
    truncated: "malformed",
    folder: "unable to open",
}


@pytest.mark.parametrize("make", WRONG, ids=lambda make: make.__name__)
def test_a_wrong_file_is_refused_in_one_line_and_left_as_it_is(tmp_path: Path, make: object) -> None:
    path = tmp_path / "tenet.db"
    assert callable(make)
    make(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(Misconfigured, match=WRONG[make]) as refusal:
        open_store(url(tmp_path))
    assert "\n" not in str(refusal.value) and "tenet.db" in str(refusal.value)
    assert (path.read_bytes() if path.is_file() else b"") == before
    with pytest.raises(Misconfigured, match=WRONG[make]):  # and not because it were locked now
        open_store(url(tmp_path))


@pytest.mark.parametrize(
    "wrong", ["", "tenet.db", "sqlite:///", "sqlite://x.db", "mysql://h:1", "sqlite:///a/", "sqlite:///a\0b"]
)
def test_another_url_is_refused(wrong: str) -> None:
    with pytest.raises(Misconfigured, match="url"):
        open_store(wrong)


def test_a_path_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Misconfigured, match="file"):
        open_store(f"sqlite:///{tmp_path}/file/tenet.db")


def modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


def test_only_its_owner_may_read_a_database(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        for _ in range(2):  # new, and one from before that everybody may read
            with closing(open_store(f"sqlite:///{tmp_path}/t.db")) as store:
                store.commit({}, {"a/1": b"secret"})
                files = ("t.db", "t.db-wal", "t.db-shm", "t.db.lock")
                assert modes(tmp_path) == dict.fromkeys(files, 0o600)
            (tmp_path / "t.db").chmod(0o666)
    finally:
        os.umask(before)


def test_another_programs_database_keeps_its_mode(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE theirs (x)")
    (tmp_path / "other.db").chmod(0o644)
    with pytest.raises(Misconfigured):
        open_store(f"sqlite:///{tmp_path}/other.db")
    assert modes(tmp_path)["other.db"] == 0o644


def test_a_relative_path_and_its_folders_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    open_store("sqlite:///var/lib/tenet.db").close()
    assert (tmp_path / "var/lib/tenet.db").is_file()


def test_a_process_that_died_while_it_made_the_file_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "tenet.db").touch()
    with closing(open_store(url(tmp_path))) as store:
        assert store.commit({}, {"a/1": b""}) == 1


# --- durable, and from where on it can be followed --------------------------------------------------------------------


def test_a_commit_is_synced_to_the_disk(tmp_path: Path) -> None:
    """A loss of power cannot be made here, so this looks at the setting: 2 is FULL."""
    with closing(open_file(tmp_path / "tenet.db")) as file:
        assert file._writer.execute("PRAGMA synchronous").fetchone() == (2,)
        assert file._writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_what_came_before_it_was_opened_is_compacted(tmp_path: Path) -> None:
    with closing(open_store(url(tmp_path))) as store:
        first = store.commit({}, {"a/1": b""})
        store.commit({}, {"a/2": b""})
    with closing(open_store(url(tmp_path))) as store, pytest.raises(Compacted):
        next(store.changes(first))


# --- what it costs ----------------------------------------------------------------------------------------------------


def test_commits_that_wait_together_are_written_together(tmp_path: Path) -> None:
    with closing(open_store(url(tmp_path))) as store:
        transactions = 0
        with closing(sqlite3.connect(tmp_path / "tenet.db", isolation_level=None)) as other:
            seen = other.execute("PRAGMA data_version").fetchone()
            threads = [hub.spawn(store.commit, {}, {f"a/{number}": b""}) for number in range(200)]
            while not all(thread.dead for thread in threads):
                hub.sleep(0)
                now = other.execute("PRAGMA data_version").fetchone()
                transactions, seen = transactions + (now != seen), now
        assert 1 <= transactions <= 2
        assert len(rows(store)) == 200


def test_deleted_rows_leave_nothing_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "KEPT", 100)
    monkeypatch.setattr(revisions, "PREFIXES", 100)
    with closing(open_store(url(tmp_path))) as store:
        tracemalloc.start()
        try:
            for number in range(0, 20_000, 1_000):
                keys = [f"learned/{each}/mac" for each in range(number, number + 1_000)]
                store.commit({}, dict.fromkeys(keys, b""))
                store.commit({}, dict.fromkeys(keys))
            gc.collect()
            held = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
    assert held < 1_000_000, "a hundred bytes a deleted row would be two million"


def test_the_database_is_closed_and_the_lock_released(tmp_path: Path) -> None:
    def held() -> list[str]:
        links = [f"/proc/self/fd/{descriptor}" for descriptor in os.listdir("/proc/self/fd")]
        return [os.readlink(link) for link in links if os.path.islink(link) and str(tmp_path) in os.readlink(link)]

    store = open_store(url(tmp_path))
    store.commit({}, {"a/1": b""})
    assert held()
    store.close()
    assert held() == []

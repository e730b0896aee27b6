"""SQLite file of the embedded store: locked by one process, written one transaction at a time.

Durability: write-ahead log with `synchronous=FULL`, so a transaction is on disk when `write` returns.  The lock is an
flock on `<file>.lock`, which ends with the process; SQLite's own locks would exclude our own readers, too.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from controller.runtime.errors import Misconfigured
from controller.store.store import Stored

T = TypeVar("T")

APPLICATION_ID = 0x54454E54  # "TENT", in the file's header: https://sqlite.org/fileformat.html#application_id
SCHEMA = 1
PRIVATE = 0o600

_CREATE = f"""
BEGIN IMMEDIATE;
CREATE TABLE entry (key TEXT PRIMARY KEY, revision INTEGER NOT NULL, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE newest (revision INTEGER NOT NULL) STRICT;
INSERT INTO newest VALUES (0);
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA};
COMMIT;
"""
# Not part of the schema: files of versions without leases can be read, and those versions can read newer files.
_CREATE_LEASED = "CREATE TABLE IF NOT EXISTS leased (key TEXT PRIMARY KEY) STRICT, WITHOUT ROWID"
# Every SQL statement releases the GIL and has to get it back from a busy hub, so few large statements are best.
_SIZES = (256, 64, 16, 4, 1)
_PUT = {size: f"REPLACE INTO entry VALUES {', '.join(['(?, ?, ?)'] * size)}" for size in _SIZES}
_DELETE = {size: f"DELETE FROM entry WHERE key IN ({', '.join('?' * size)})" for size in _SIZES}


class File:
    """Open database file.  `get` is for one thread, `write` for one thread at a time, all else for any."""

    def __init__(self, path: Path, lock: int, writer: sqlite3.Connection, reader: sqlite3.Connection) -> None:
        self._path = path
        self._lock = lock
        self._writer = writer
        self._reader = reader
        self._leased = set(self.leased())  # as last written

    def get(self, key: str) -> Stored | None:
        rows = self._reader.execute("SELECT key, revision, value FROM entry WHERE key = ?", (key,)).fetchall()
        return Stored(*rows[0])._replace(leased=key in self._leased) if rows else None

    def everything(self) -> tuple[int, list[Stored]]:
        """Consistent snapshot of all rows, and the file's revision."""
        with closing(_connect(self._path)) as connection:
            return _everything(connection)

    def keys(self) -> tuple[int, dict[str, int]]:
        """The file's revision and that of every key, as a consistent snapshot."""
        with closing(_connect(self._path)) as connection:
            connection.execute("BEGIN")
            shared: dict[int, int] = {}  # one int object for equal revisions: a third less memory
            rows = connection.execute("SELECT key, revision FROM entry")
            return _newest(connection), {key: shared.setdefault(revision, revision) for key, revision in rows}

    def leased(self) -> list[str]:
        """Keys whose last write was under a lease."""
        with closing(_connect(self._path)) as connection:
            return sorted(_leased(connection))

    def write(
        self,
        entries: Mapping[str, tuple[int, bytes | None]],
        before: int,
        after: int,
        leased: Collection[str] = frozenset(),
    ) -> None:
        """One transaction: put or delete `entries` (key: revision, value); the file's revision goes from `before` to
        `after`.  Entries in `leased` are put under a lease.

        Raises sqlite3.Error, with nothing written; also when another program has changed the file's revision.
        """
        put = [(key, revision, value) for key, (revision, value) in entries.items() if value is not None]
        drop = [key for key, (_, value) in entries.items() if value is None]
        with self._transaction():
            step = self._writer.execute("UPDATE newest SET revision = ? WHERE revision = ?", (after, before))
            if step.rowcount != 1:
                raise sqlite3.IntegrityError(f"{self._path} is not at revision {before}: somebody else wrote to it")
            for puts in _pieces(put):
                self._writer.execute(_PUT[len(puts)], tuple(chain.from_iterable(puts)))
            for drops in _pieces(drop):
                self._writer.execute(_DELETE[len(drops)], drops)
            now = self._leased.difference(entries) | {key for key, _, _ in put if key in leased}
            self._write_leased(now)
        self._leased = now

    def probe(self) -> None:
        """Write probe: a transaction that reaches the disk and changes nothing.  Raises sqlite3.Error."""
        with self._transaction():  # SQLite does not write pages that are unchanged
            self._writer.execute("INSERT INTO leased VALUES ('probe')")
            self._writer.execute("DELETE FROM leased WHERE key = 'probe'")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            yield
            self._writer.execute("COMMIT")
        except BaseException:
            if self._writer.in_transaction:  # some errors have ended the transaction already
                with suppress(sqlite3.Error):
                    self._writer.execute("ROLLBACK")
            raise

    def _write_leased(self, now: set[str]) -> None:
        if gone := self._leased - now:
            self._writer.executemany("DELETE FROM leased WHERE key = ?", [(key,) for key in gone])
        if new := now - self._leased:
            self._writer.executemany("INSERT INTO leased VALUES (?)", [(key,) for key in new])

    def close(self) -> None:
        try:
            self._reader.close()
            self._writer.close()
        finally:
            os.close(self._lock)


def open_file(path: Path) -> File:
    """Open the file at `path` exclusively; creates it and its folder when missing.

    Raises Misconfigured: locked, unreadable, not a database, not ours, of a newer schema.
    """
    path = path.resolve()  # one lock for all names of the file
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, PRIVATE))
        lock = _lock(path)
    except OSError as error:
        raise Misconfigured(f"store {path}: {error.strerror or error}") from error
    try:
        return File(path, lock, _writer(path), _reader(path))
    except (sqlite3.Error, OSError) as error:
        os.close(lock)
        raise Misconfigured(f"store {path}: {error}") from error
    except BaseException:
        os.close(lock)
        raise


def snapshot(path: Path) -> tuple[int, list[Stored]]:
    """Revision and all rows of a file that another process may have open.  Raises Misconfigured."""
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True)) as connection:
            connection.isolation_level = None
            _check_ours(path, connection)
            return _everything(connection)
    except sqlite3.Error as error:
        raise Misconfigured(f"store {path}: {error}") from error


def _everything(connection: sqlite3.Connection) -> tuple[int, list[Stored]]:
    connection.execute("BEGIN")
    leased = _leased(connection)
    shared: dict[int, int] = {}  # one int object for equal revisions
    rows = connection.execute("SELECT key, revision, value FROM entry")
    return _newest(connection), [
        Stored(key, shared.setdefault(revision, revision), value, key in leased) for key, revision, value in rows
    ]


def _leased(connection: sqlite3.Connection) -> set[str]:
    """Keys under leases; none in a file of a version without leases, which has no such table."""
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'leased'").fetchone():
        return set()
    return {key for (key,) in connection.execute("SELECT key FROM leased")}


def _keep_private(path: Path) -> None:
    """Set mode 600, whatever the umask: the file has tenants' data.  SQLite's other files inherit the mode."""
    for each in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        with suppress(FileNotFoundError):
            if each.stat().st_mode & 0o077:
                each.chmod(PRIVATE)


def _lock(path: Path) -> int:
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, PRIVATE)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise Misconfigured(f"store {path}: another process has it open") from None
    except OSError:
        os.close(lock)
        raise
    return lock


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False)


def _reader(path: Path) -> sqlite3.Connection:
    connection = _connect(path)
    connection.execute("PRAGMA query_only = 1")
    return connection


def _writer(path: Path) -> sqlite3.Connection:
    connection = _connect(path)
    try:
        _check_schema(path, connection)
        _keep_private(path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(_CREATE_LEASED)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -8000")  # KiB
        # Checkpoint at 32 MB of log, not at 4: a hundred small rows touch as many pages.  Measured: 30% more commits.
        connection.execute("PRAGMA wal_autocheckpoint = 8000")
        connection.execute("BEGIN IMMEDIATE")  # fails now, instead of at the first commit, if the file is read-only
        connection.execute("ROLLBACK")
    except BaseException:
        connection.close()
        raise
    return connection


def _check_schema(path: Path, connection: sqlite3.Connection) -> None:
    """Check of application id and schema version, before anything is written.  Raises Misconfigured."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if (application, version, tables) == (0, 0, 0):
        connection.executescript(_CREATE)
    else:
        _check_ours(path, connection)


def _check_ours(path: Path, connection: sqlite3.Connection) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION_ID:
        raise Misconfigured(f"store {path}: a database of another program")
    elif version != SCHEMA:
        raise Misconfigured(f"store {path}: has schema version {version}, this program knows {SCHEMA}")


def _newest(connection: sqlite3.Connection) -> int:
    (revision,) = connection.execute("SELECT coalesce(max(revision), 0) FROM newest").fetchone()
    return int(revision)


def _pieces(items: Sequence[T]) -> Iterator[Sequence[T]]:
    start = 0
    for size in _SIZES:
        while len(items) - start >= size:
            yield items[start : start + size]
            start += size

"""Backup of all rows to a file, and restore.

The file has one JSON object a line: a head with the version of the format, the rows, and last the SHA-256 of all lines
before it.  Rows under a lease describe running members and are left out.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from controller.runtime.errors import Changed, Misconfigured, StoreError, Unavailable
from controller.store.codec import decode
from controller.store.durable import replacing
from controller.store.store import RESTORING, Store, Stored

FORMAT = 1
PIECE = 700_000  # bytes of rows in a commit: etcd takes 1.5 MiB in a request by default
ROUNDS = 10


class _Head(msgspec.Struct, rename={"format": "tenet-backup"}, forbid_unknown_fields=True):
    format: int
    revision: int
    rows: int
    made: str


class _Row(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    key: str
    text: str = ""
    base64: str = ""  # a value that is not UTF-8


class _Tail(msgspec.Struct, forbid_unknown_fields=True):
    sha256: str


def write(path: Path, revision: int, rows: Iterable[Stored]) -> int:
    """Write a backup to `path`, whole or not at all; returns the number of rows.  Raises OSError."""
    kept = sorted(row for row in rows if not row.leased)
    head = _Head(FORMAT, revision, len(kept), datetime.now(UTC).isoformat(timespec="seconds"))
    digest = hashlib.sha256()
    with replacing(path) as file:
        for item in (head, *map(_line, kept)):
            line = msgspec.json.encode(item) + b"\n"
            digest.update(line)
            file.write(line)
        file.write(msgspec.json.encode(_Tail(digest.hexdigest())) + b"\n")
    return len(kept)


def read(path: Path) -> dict[str, bytes]:
    """Read and check the rows of a backup.  Raises Misconfigured: not a backup, damaged, or of a newer version."""
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except OSError as error:
        raise Misconfigured(f"{path}: {error.strerror or error}") from error
    try:
        head = msgspec.json.decode(lines[0], type=_Head)
        if head.format != FORMAT:
            raise Misconfigured(f"{path}: has format {head.format}, this program knows {FORMAT}")
        tail = msgspec.json.decode(lines[-1], type=_Tail)
        if tail.sha256 != hashlib.sha256(b"".join(lines[:-1])).hexdigest():
            raise Misconfigured(f"{path}: is damaged: its content is not what its last line says")
        rows = dict(_rows(lines[1:-1]))
    except (IndexError, msgspec.DecodeError, ValueError) as error:
        raise Misconfigured(f"{path}: is not a backup, or not a whole one: {error}") from error
    if len(rows) != head.rows:
        raise Misconfigured(f"{path}: has {len(rows)} rows where {head.rows} were written")
    return rows


def check(rows: Mapping[str, bytes]) -> None:
    """Check that this version can read every row.  Raises Misconfigured."""
    try:
        for key, value in rows.items():
            if not key.startswith("taken/"):
                decode(key, value)
    except StoreError as error:
        raise Misconfigured(str(error)) from error


def replace(store: Store, rows: Mapping[str, bytes], *, only_if_empty: bool = True) -> int:
    """Replace the store's rows by `rows`, except those under leases; returns how many rows were written or deleted.

    Equal rows are not touched.  It is one commit if the store takes it.  Otherwise the row RESTORING exists from before
    the first commit until after the last: meanwhile controllers neither write the model nor program switches from it.
    An interrupted restore has to be run again.  Raises Misconfigured when the store is not empty, Unavailable when
    others keep writing.
    """
    done = 0
    for _ in range(ROUNDS):
        revision, found = store.everything()
        now = {row.key: row for row in found if not row.leased and row.key != RESTORING}
        begun = any(row.key == RESTORING for row in found)
        if now and only_if_empty and not begun:
            raise Misconfigured(f"the store is not empty: it has {len(now)} rows (--replace replaces them)")
        pieces = list(_pieces(now, rows))
        if len(pieces) > 1 and not begun:
            store.commit({}, {RESTORING: b""})
            continue  # with the rows written so far
        try:
            done += sum(_write(store, now, piece) for piece in pieces)
        except Changed:
            continue  # a concurrent write: compare again
        if not begun:
            return done
        if not pieces:
            store.commit({}, {RESTORING: None})
            return done
    raise Unavailable(f"others keep writing to the store; it was at revision {revision}")


def check_whole(store: Store) -> None:
    """Check that no restore is incomplete.  Raises Misconfigured."""
    if store.get(RESTORING) is not None:
        raise Misconfigured("the store is half restored: finish `tenet store restore`")


def _write(store: Store, now: Mapping[str, Stored], piece: dict[str, bytes | None]) -> int:
    """Write one piece if its rows are unchanged since they were read; returns their number."""
    store.commit({key: now[key].revision if key in now else 0 for key in piece}, piece)
    return len(piece)


def _pieces(now: Mapping[str, Stored], rows: Mapping[str, bytes]) -> Iterator[dict[str, bytes | None]]:
    """Differences in pieces of the size of one commit: first rows to put, then rows to delete."""
    wanted: list[tuple[str, bytes | None]] = [
        (key, value) for key, value in rows.items() if key not in now or now[key].value != value
    ]
    wanted += [(key, None) for key in now.keys() - rows.keys()]
    piece: dict[str, bytes | None] = {}
    size = 0
    for key, value in wanted:
        size += 2 * len(key) + len(value or b"") + 100  # a compare, an operation, and their framing
        if piece and size > PIECE:
            yield piece
            piece, size = {}, 0
        piece[key] = value
    if piece:
        yield piece


def _line(row: Stored) -> _Row:
    try:
        return _Row(row.key, text=row.value.decode())
    except UnicodeDecodeError:
        return _Row(row.key, base64=b64encode(row.value).decode())


def _rows(lines: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    decoder = msgspec.json.Decoder(_Row)
    for line in lines:
        row = decoder.decode(line)
        yield row.key, b64decode(row.base64, validate=True) if row.base64 else row.text.encode()

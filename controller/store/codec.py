"""Encoding of rows: JSON with the schema version of the kind, `{"v":1,"id":...}`.

Unknown fields are ignored: a field with a default needs no new version where ignoring it does no harm.
Unknown versions are refused: reading them as another version could lose data, or open a port that is filtered.
"""

from __future__ import annotations

from functools import cache

import msgspec

from controller.model.rows import KINDS, Row
from controller.model.rows.base import DECLARED
from controller.runtime.errors import StoreError


class _Versioned(msgspec.Struct):
    v: int


_encoder = msgspec.json.Encoder()
_version = msgspec.json.Decoder(_Versioned)


@cache
def _head(kind: type[Row]) -> bytes:
    return b'{"v":%d,' % DECLARED[kind].version


@cache
def _reader(name: str) -> tuple[bytes, msgspec.json.Decoder[Row]]:
    kind = KINDS[name]
    return _head(kind), msgspec.json.Decoder(kind)


def encode(row: Row) -> bytes:
    """The value to store at `row.key`.  Raises StoreError when the row's kind is not in KINDS."""
    try:
        return _head(type(row)) + _encoder.encode(row)[1:]
    except KeyError:
        raise StoreError(f"{type(row).__name__} is not a kind that is stored") from None


def decode(key: str, value: bytes) -> Row:
    """The row at `key`.  Raises StoreError, naming the key: unknown kind, unknown version, or not such a row."""
    try:
        head, decoder = _reader(key[: key.index("/")])
    except (KeyError, ValueError):
        raise StoreError(f"{key}: no such kind of row") from None
    try:
        if not value.startswith(head):  # of another version, or written by hand
            _check_version(key, value)
        return decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StoreError(f"{key}: unreadable row: {error}") from error


def _check_version(key: str, value: bytes) -> None:
    kind = DECLARED[KINDS[key.partition("/")[0]]]
    version = _version.decode(value).v
    if not kind.oldest <= version <= kind.version:
        known = f"{kind.oldest} to {kind.version}" if kind.oldest < kind.version else str(kind.version)
        raise StoreError(f"{key}: row has schema version {version}, this program knows {known}")

"""Rows to bytes and back: JSON with the schema version of the kind, `{"v":1,"id":...}`.

A field that is not known is ignored when it is read, so that a field can be added with a default without a new version.
A version that this program does not know is refused: to guess at it would lose what it says.
"""

from __future__ import annotations

import msgspec

from controller.model.kinds import KINDS, Row
from controller.runtime.errors import StoreError

VERSIONS: dict[str, int] = dict.fromkeys(KINDS, 1)


class _Versioned(msgspec.Struct):
    v: int


_encoder = msgspec.json.Encoder()
_heads: dict[type[Row], bytes] = {cls: b'{"v":%d,' % VERSIONS[kind] for kind, cls in KINDS.items()}
_readers: dict[str, tuple[bytes, msgspec.json.Decoder[Row]]] = {
    kind: (_heads[cls], msgspec.json.Decoder(cls)) for kind, cls in KINDS.items()
}
_version = msgspec.json.Decoder(_Versioned)


def encode(row: Row) -> bytes:
    """The value to store at `row.key`.  Raises StoreError for what is not of a kind in KINDS."""
    try:
        return _heads[type(row)] + _encoder.encode(row)[1:]
    except KeyError:
        raise StoreError(f"{type(row).__name__} is not a kind that is stored") from None


def decode(key: str, value: bytes) -> Row:
    """The row at `key`.  Raises StoreError, naming the key: unknown kind, unknown version, or not such a row."""
    try:
        head, decoder = _readers[key[: key.index("/")]]
    except (KeyError, ValueError):
        raise StoreError(f"{key}: no such kind of row") from None
    try:
        if not value.startswith(head):  # written by other hands, or by another version
            _check_version(key, value)
        return decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StoreError(f"{key}: unreadable row: {error}") from error


def _check_version(key: str, value: bytes) -> None:
    known = VERSIONS[key.partition("/")[0]]
    version = _version.decode(value).v
    if version != known:
        raise StoreError(f"{key}: row has schema version {version}, this program knows {known}")

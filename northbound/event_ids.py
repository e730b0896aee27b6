"""Event ids: plain positions for operators, sealed ones for tenants, who would count others' commits by them.

A sealed id is a position, with a check of zeros, enciphered as one block of 128 bits under a key that all members
share: a Feistel network of four rounds of keyed BLAKE2b (Luby and Rackoff, 1988).  One position has one id at every
member, the order does not show, and nobody makes one up.
"""

from __future__ import annotations

import re
import secrets
from hashlib import blake2b
from typing import NamedTuple

from controller.model.rows import Secret
from controller.publish.feed import Position
from controller.store.replica import Replica
from controller.store.store import Store
from controller.store.transaction import Transaction, transact

PLAIN = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,15})\.([0-9a-f]{8}))?")
SEALED = re.compile(r"([0-9a-f]{32})(?:\.([0-9a-f]{8}))?")
_HALF, _FIELD, _CHECK = 8, 6, 4  # bytes: of half a block; of a revision and a number; of the zeros
_ROUNDS = (b"1", b"2", b"3", b"4")


class Named(NamedTuple):
    """What an id says: a position, and the process that counted ("" where none is said)."""

    position: Position
    process: str


def plain(position: Position, process: str) -> str:
    """A revision; with the process that counts, where one is given."""
    return f"{position.revision}.{position.number}.{process}" if process else str(position.revision)


def sealed(key: bytes, position: Position, process: str) -> str:
    numbers = (position.revision, position.number) if process else (position.revision, 0)
    block = b"".join(each.to_bytes(_FIELD, "big") for each in numbers) + bytes(_CHECK)
    left, right = block[:_HALF], block[_HALF:]
    for turn in _ROUNDS:
        left, right = right, _mixed(key, turn, left, right)
    return (left + right).hex() + (f".{process}" if process else "")


def read_plain(said: str) -> Named | None:
    found = PLAIN.fullmatch(said)
    return Named(Position(int(found[1]), int(found[2] or 0)), found[3] or "") if found else None


def read_sealed(key: bytes, said: str) -> Named | None:
    """None for what is not of this key."""
    found = SEALED.fullmatch(said)
    if not found:
        return None
    block = bytes.fromhex(found[1])
    left, right = block[:_HALF], block[_HALF:]
    for turn in reversed(_ROUNDS):
        left, right = _mixed(key, turn, right, left), left
    whole = left + right
    if any(whole[-_CHECK:]):
        return None
    revision, number = (int.from_bytes(each, "big") for each in (whole[:_FIELD], whole[_FIELD : 2 * _FIELD]))
    return Named(Position(revision, number), found[2] or "")


def shared_key(store: Store, replica: Replica) -> bytes:
    """The key of the deployment, made by whoever needs it first.  Raises Unavailable."""
    row = replica.model.get(Secret, "events")
    return bytes.fromhex(transact(store, replica, _key).value if row is None else row.value)


def _key(tx: Transaction) -> str:
    found = tx.get(Secret, "events")
    if found is None:
        found = Secret(id="events", value=secrets.token_hex(32))
        tx.put(found)
    return found.value


def _mixed(key: bytes, turn: bytes, half: bytes, other: bytes) -> bytes:
    """One half, and the round's function of the other."""
    digest = blake2b(other, digest_size=_HALF, key=key, person=turn).digest()
    return bytes(a ^ b for a, b in zip(half, digest, strict=True))

"""Nested etcd transactions: several commits in one, each all or nothing, and commits of thousands of rows.  Pure.

etcd takes at most 128 compares or operations in a list (`--max-txn-ops`), but transactions nest: each level may
use what the lists above have left (etcd 3.4: v3rpc/key.go, checkTxnRequest).  The compares of all levels are evaluated
before anything is written (etcd 3.4: apply.go, compareToPath): commits in one transaction do not see each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

from controller.store.etcd_keys import Json, Keys, parent, text

OPERATIONS = 128  # etcd's default for --max-txn-ops
DEEPEST = 4


def version_zero(key: str) -> Json:
    return {"key": key, "target": "VERSION", "result": "EQUAL", "version": 0}


def at_revision(key: str, revision: int) -> Json:
    return {"key": key, "target": "MOD", "result": "EQUAL", "mod_revision": revision}


def put(key: str, value: bytes, lease: int = 0) -> Json:
    request: Json = {"key": key, "value": text(value)}
    if lease:
        request["lease"] = lease
    return {"request_put": request}


def writes(keys: Keys, write: Mapping[str, bytes | None], slot: int, lease: int, marks_lease: int) -> list[Json]:
    """Operations of a commit: puts under `lease`, deletes, and their marks; `slot` is unique in the transaction."""
    done = []
    marks = {}
    for key, value in write.items():
        if value is None:
            done.append({"request_delete_range": {"key": keys.row(key)}})
            marks[parent(key)] = key
        else:
            done.append(put(keys.row(key), value, lease))
    return done + [put(keys.mark(of, slot), key.encode(), marks_lease) for of, key in marks.items()]


def compares(keys: Keys, read: Mapping[str, int]) -> list[Json]:
    return list(chain.from_iterable(keys.compares(key, revision) for key, revision in read.items()))


def depth(compared: int, operations: int, budget: int) -> int:
    """The least number of levels that fits; 0 when none does."""
    for levels in range(1, DEEPEST + 1):
        share = budget // levels
        if compared <= share and operations <= share**levels:
            return levels
    return 0


def nested(compared: list[Json], operations: list[Json], budget: int) -> Json:
    """One operation that executes all of `operations` if all of `compared` hold, and nothing otherwise.

    `budget`: how many operations the lists above have left.  Raises ValueError when `depth` is 0.
    """
    levels = depth(len(compared), len(operations), budget)
    if not levels:
        raise ValueError(f"{len(compared)} compares and {len(operations)} operations do not fit in {budget}")
    return {"request_txn": {"compare": compared, "success": _split(operations, budget // levels, levels)}}


def _split(operations: list[Json], share: int, levels: int) -> list[Json]:
    if levels == 1:
        return operations
    size = share ** (levels - 1)
    pieces = [operations[start : start + size] for start in range(0, len(operations), size)]
    return [{"request_txn": {"success": _split(piece, share, levels - 1)}} for piece in pieces]


def checks(compared: Sequence[Json]) -> tuple[Json, int]:
    """A transaction that evaluates compares in pieces, each of which succeeds or not, and how many it took."""
    share = OPERATIONS // 2
    taken = compared[: share * share]
    pieces = [list(taken[start : start + share]) for start in range(0, len(taken), share)]
    return {"success": [{"request_txn": {"compare": piece}} for piece in pieces]}, len(taken)


def verdicts(answers: Sequence[Json]) -> list[bool]:
    """Success of each nested transaction, in order, from a transaction's `responses`."""
    return [bool(each["response_txn"].get("succeeded")) for each in answers if "response_txn" in each]

"""Layout of etcd's keys under one prefix, and requests about them for the JSON gateway.  Pure.

rows/<key>            the store's rows: etcd's mod_revision is the row's revision
gone/<parent>#<slot>  rewritten with each delete of a key directly below <parent>, so that a delete can be compared
                      with a revision (an absent key has none); the value is a key that was deleted
session/<uuid>        rewritten with each transaction of one process; see etcd_session
hold                  while it exists only its holder commits; see etcd_commits
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

Json = dict[str, Any]


def text(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def parent(key: str) -> str:
    """`a/b/c` is directly below `a/b/`; a key without a slash is below ""."""
    return key[: key.rfind("/") + 1]


class Keys:
    def __init__(self, prefix: str) -> None:
        """`prefix` begins and ends with a slash."""
        self._rows = f"{prefix}rows/".encode()
        self._gone = f"{prefix}gone/".encode()
        self._session = f"{prefix}session/".encode()
        self.hold = text(f"{prefix}hold".encode())
        self.rows = below(self._rows)
        # one range covers both: `gone/` sorts before `rows/`; `hold`, between them, is skipped
        self.feed = {"key": text(self._gone), "range_end": self.rows["range_end"]}
        self.marks = below(self._gone)

    def row(self, key: str) -> str:
        return text(self._rows + key.encode())

    def session(self, name: str) -> str:
        return text(self._session + name.encode())

    def row_of(self, key: str) -> str | None:
        """The store's key for an etcd key; None when it is not a row's."""
        data = b64decode(key)
        return data[len(self._rows) :].decode() if data.startswith(self._rows) else None

    def is_mark(self, key: str) -> bool:
        return b64decode(key).startswith(self._gone)

    def mark(self, of: str, slot: int) -> str:
        return text(self._gone + f"{of}#{slot}".encode())

    def compares(self, key: str, revision: int) -> list[Json]:
        """Compares that hold while `key`, or everything below it if it ends in "/", is unchanged since `revision`."""
        if not key.endswith("/"):
            return [{"key": self.row(key), "target": "MOD", "result": "EQUAL", "mod_revision": revision}]
        return [
            {**area, "target": "MOD", "result": "LESS", "mod_revision": revision + 1}
            for area in (below(self._rows + key.encode()), below(self._gone + key.encode()))
        ]

    def looks(self, key: str, revision: int) -> list[Json]:
        """Range requests that show whether, and since when, `compares` fails; see `newer`."""
        if key.endswith("/"):
            areas = [below(self._rows + key.encode()), below(self._gone + key.encode())]
            return [{**area, "min_mod_revision": revision + 1, "limit": 1, "keys_only": True} for area in areas]
        marks = self._gone + parent(key).encode()
        area = {"key": text(marks + b"#"), "range_end": text(marks + b"$")}
        return [
            {"key": self.row(key), "keys_only": True},
            {**area, "sort_target": "MOD", "sort_order": "DESCEND", "limit": 1, "keys_only": True},
        ]


def newer(key: str, revision: int, answers: list[Json]) -> int | None:
    """The revision since which `compares` fails (0: unknown), or None while it holds.

    `answers`: to the requests of `looks`.
    """
    found = [int(kv["mod_revision"]) for answer in answers for kv in answer.get("kvs", ())]
    if key.endswith("/"):
        return max(found) if found else None
    now = next((int(kv["mod_revision"]) for kv in answers[0].get("kvs", ())), 0)
    if now == revision:
        return None
    return now or max(found, default=0)


def below(prefix: bytes) -> Json:
    """Range of all keys that begin with `prefix`, which ends in "/"; the next character is "0"."""
    return {"key": text(prefix), "range_end": text(prefix[:-1] + b"0")}

"""The pure parts of the etcd engine: addresses, which commits go together, how thousands of operations are nested."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any

import pytest

from controller.runtime.errors import Misconfigured
from controller.store.etcd_commit import ALONE, LIGHT, TOGETHER, Commit, together
from controller.store.etcd_keys import Keys, newer, parent, text
from controller.store.etcd_txn import OPERATIONS, checks, depth, nested
from controller.store.etcd_url import Address, parse

Write = dict[str, bytes | None]


def test_addresses(tmp_path: Path) -> None:
    pem = tmp_path / "pem"
    pem.touch()
    assert parse("etcd://a:1,[::1]:2,c/x/y/") == Address((("a", 1), ("::1", 2), ("c", 2379)), "/x/y/")
    assert parse("etcd://a").prefix == "/tenet/"
    assert parse(f"etcd+https://a/t?ca={pem}&certificate={pem}&private_key={pem}") == Address(
        (("a", 2379),), "/t/", True, str(pem), str(pem), str(pem)
    )


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("etcd://", "not of the form HOST:PORT"),
        ("etcd://a:0/x", "not of the form HOST:PORT"),
        ("etcd://a:70000/x", "not of the form HOST:PORT"),
        ("etcd://a,,b/x", "not of the form HOST:PORT"),
        ("etcd://user@a/x", "not of the form HOST:PORT"),
        ("etcd://a/x y", "not a prefix"),
        ("etcd://a/x//y", "not a prefix"),
        ("etcd://a/x#y", "not a prefix"),
        ("etcd://a/x?ca=FILE", "etcd\\+https"),
        ("etcd+https://a/x?key=FILE", "no option key"),
        ("etcd+https://a/x?certificate=FILE", "go together"),
        ("etcd+https://a/x?ca=none.pem", "no such file"),
        ("etcd://[::1/x", "store"),
    ],
)
def test_what_is_not_an_address(url: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "pem").touch()
    with pytest.raises(Misconfigured, match=why):
        parse(url.replace("FILE", str(tmp_path / "pem")))


def sizes(operation: dict[str, Any], left: int) -> int:
    """How many operations are in it; asserts what etcd 3.4 asserts (v3rpc/key.go: checkTxnRequest)."""
    if "request_txn" not in operation:
        return 1
    txn = operation["request_txn"]
    taken = max(len(txn.get("compare", ())), len(txn["success"]))
    assert taken <= left
    return sum(sizes(each, left - taken) for each in txn["success"])


@pytest.mark.parametrize("compared", [0, 1, 31, 42, 63, 126])
@pytest.mark.parametrize("operations", [0, 1, 126, 127, 3_969, 3_970, 74_088, 74_089, 200_000])
def test_what_is_nested_is_within_etcds_limits(compared: int, operations: int) -> None:
    if depth(compared, operations, ALONE):
        made = nested([{}] * compared, [{}] * operations, ALONE)
        assert sizes(made, ALONE) == operations and len(made["request_txn"]["compare"]) == compared
    else:
        assert compared > 31 and operations > 126
        with pytest.raises(ValueError):
            nested([{}] * compared, [{}] * operations, ALONE)


def test_checks_take_all_in_pieces() -> None:
    body, taken = checks([{}] * 5_000)
    pieces = [len(each["request_txn"]["compare"]) for each in body["success"]]
    assert sum(pieces) == taken == 4_096 and max(pieces) + len(pieces) <= OPERATIONS


def chosen(*commits: tuple[dict[str, int], Write]) -> int:
    return len(together(deque(Commit(read, write) for read, write in commits)))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (({}, {"a/1": b""}), ({}, {"a/1": b""})),
        (({}, {"a/1": b""}), ({"a/1": 0}, {"b/1": b""})),
        (({"b/1": 0}, {"a/1": b""}), ({}, {"b/1": b""})),
        (({"b/": 0}, {"a/1": b""}), ({}, {"b/x/1": b""})),
        (({}, {"b/x/1": None}), ({"b/": 0}, {"a/1": b""})),
    ],
)
def test_commits_that_meet_do_not_go_together(first: tuple[dict[str, int], Write], second: Any) -> None:
    assert chosen(first, second) == 1
    assert chosen(({}, {"x/1": b""}), first, second) == 2


def test_commits_that_do_not_meet_go_together() -> None:
    each: list[tuple[dict[str, int], Write]] = [
        ({"n/1": 1, f"p/{number}": 0}, {f"p/{number}": None}) for number in range(20)
    ]
    assert chosen(*each) == TOGETHER
    assert chosen(({"a/": 1}, {"b/1": b""}), ({"a/": 1}, {"ab/1": b""})) == 2


def test_large_ones_and_those_under_a_lease_go_alone() -> None:
    small, many = Commit({}, {"a/1": b""}), Commit({}, {f"b/{number}": b"" for number in range(112)})
    big, leased = Commit({}, {"c/1": bytes(LIGHT)}), Commit({}, {"d/1": b""}, lease=7)
    assert [len(together(deque([small, other]))) for other in (many, big, leased)] == [1, 1, 1]
    assert [len(together(deque([other, small]))) for other in (many, leased)] == [1, 1]


def test_keys_lead_back() -> None:
    keys = Keys("/t/")
    assert keys.row_of(keys.row("a/é")) == "a/é"
    assert keys.row_of(keys.mark("a/", 1)) is None and keys.is_mark(keys.mark("a/", 1))
    assert not keys.is_mark(keys.hold) and not keys.is_mark(keys.row("gone/x"))
    assert (parent("a/b/c"), parent("a")) == ("a/b/", "")
    assert keys.feed["key"] == text(b"/t/gone/") and keys.feed["range_end"] == text(b"/t/rows0")


def test_since_when_a_key_is_not_what_was_read() -> None:
    def kvs(*revisions: int) -> dict[str, Any]:
        return {"kvs": [{"mod_revision": str(each)} for each in revisions]}

    assert newer("a/1", 5, [kvs(5), kvs(9)]) is None
    assert newer("a/1", 5, [kvs(7), kvs(9)]) == 7
    assert newer("a/1", 5, [{}, kvs(9)]) == 9
    assert newer("a/1", 5, [{}, {}]) == 0
    assert newer("a/1", 0, [{}, kvs(9)]) is None
    assert newer("a/", 5, [{}, {}]) is None
    assert newer("a/", 5, [kvs(6), kvs(9)]) == 9

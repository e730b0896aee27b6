"""Shares: a pure function, and what moves when a member comes or goes."""

from __future__ import annotations

from collections import Counter

from controller.cluster.shares import share

SWITCHES = [f"hv{number}" for number in range(2000)]
MEMBERS = ["one", "two", "three", "four"]


def shares(members: list[str]) -> dict[str, str]:
    return {switch: share(switch, members) for switch in SWITCHES}


def test_only_what_a_member_had_moves_when_it_goes() -> None:
    before, after = shares(MEMBERS), shares(MEMBERS[1:])
    assert {switch for switch in SWITCHES if before[switch] != after[switch]} == {
        switch for switch in SWITCHES if before[switch] == "one"
    }
    taken = Counter(after[switch] for switch in SWITCHES if before[switch] == "one")
    assert set(taken) == set(MEMBERS[1:])  # all others take some


def test_shares_are_even() -> None:
    counts = Counter(shares(MEMBERS).values())
    assert all(400 < counts[member] < 600 for member in MEMBERS), counts


def test_the_order_of_members_makes_no_difference() -> None:
    assert shares(MEMBERS) == shares(MEMBERS[::-1])
    assert share("hv1", []) == ""


def test_the_same_in_every_process_and_version() -> None:
    assert [share(f"hv{number}", MEMBERS) for number in range(6)] == FIXED


FIXED = ["three", "three", "three", "four", "four", "three"]

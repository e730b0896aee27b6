"""What is remembered of tokens: for its time, and no more than fits."""

from __future__ import annotations

import random

from northbound.identity.remembered import Remembered


def test_it_is_remembered_for_its_time_and_not_longer() -> None:
    now = [0.0]
    found = Remembered(clock=lambda: now[0])
    found.set("a", b"1", time=300)
    assert found.get("a") == b"1"
    now[0] = 299.9
    assert found.get("a") == b"1"
    now[0] = 300.0
    assert found.get("a") is None
    assert found.size == 0
    found.set("b", b"2", time=0)
    found.set("c", b"3", time=-1)
    assert (found.get("b"), found.get("c"), found.get("d")) == (None, None, None)


def test_there_is_never_more_than_fits_and_what_is_used_stays() -> None:
    chance = random.Random(1)
    found = Remembered(most=10_000)
    for number in range(2_000):
        found.set(str(number), b"x" * chance.randrange(300), time=300)
        found.set("often", b"y", time=300)
        assert found.get("often") == b"y"
        assert found.size == sum(len(entry.value) for entry in found._entries.values()) <= 10_000
    assert found.get("0") is None
    found.set("large", b"x" * 10_001, time=300)
    assert found.get("large") is None
    assert found.get("often") == b"y"

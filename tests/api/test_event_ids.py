"""Ids of events: where a reader goes on, and nothing else that a tenant could learn from them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.publish.feed import Position
from controller.store.replica import Replica
from controller.store.store import Store
from northbound import event_ids, events

from .tenants import Cloud
from .test_events import told

KEY, OTHER = b"k" * 32, b"o" * 32
counts = st.integers(0, 2**48 - 1)
processes = st.sampled_from(["", "0123abcd"])


@given(counts, counts, processes)
def test_an_id_says_its_position_to_whoever_has_the_key(revision: int, number: int, process: str) -> None:
    position = Position(revision, number if process else 0)
    for said, read in (
        (event_ids.plain(position, process), event_ids.read_plain),
        (event_ids.sealed(KEY, position, process), lambda text: event_ids.read_sealed(KEY, text)),
    ):
        assert read(said) == (position, process)
    assert event_ids.read_sealed(OTHER, event_ids.sealed(KEY, position, process)) is None


def test_a_changed_digit_makes_it_nobodys_and_neighbours_have_nothing_in_common() -> None:
    said = event_ids.sealed(KEY, Position(4711), "")
    for place in range(32):
        digit = "0" if said[place] != "0" else "1"
        assert event_ids.read_sealed(KEY, said[:place] + digit + said[place + 1 :]) is None
    ids = {event_ids.sealed(KEY, Position(revision), "") for revision in range(1000)}
    assert len({each[:12] for each in ids}) == len({each[-12:] for each in ids}) == 1000


def test_a_tenant_learns_no_revision_and_an_operator_does(
    tmp_path: Path, store: Store, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "LASTS", -1.0)
    cloud = Cloud(tmp_path, store, replica)
    red, blue, operator = cloud.person("red", "member"), cloud.person("blue", "member"), cloud.person("ops", "admin")
    start = replica.model.revision
    for name in "ab":
        red.made("network", name=name)
        blue.made("network")
    found = told(red, red.after(start), red.token)
    assert [each["change"] for _, _, data in found for each in data["changes"]] == ["create", "create"]
    for name, _, data in found:
        assert event_ids.SEALED.fullmatch(name) and "revision" not in data
    assert told(red, found[0][0], red.token) == found[1:]
    assert all(data["revision"] == int(name) for name, _, data in told(operator, start, operator.token))
    for person, after, status in (
        (red, str(start), 410), (red, "9" * 15, 410), (red, "f" * 32, 400), (red, "x", 400),
        (operator, found[0][0], 400),
    ):  # fmt: skip
        assert person.call("GET", f"/tenet/v1/events?after={after}").status == status, after

"""Memory of recent commits and events: bounded by bytes, however large the objects are."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from controller.model.rows import Port
from controller.publish import feed
from controller.runtime.errors import Compacted
from controller.store import log
from controller.store.log import ChangeLog
from controller.store.replica import share
from controller.store.store import Change
from tests.api.conftest import Api, plain_context, replica, store  # noqa: F401  # fixtures

from .memory import retained

WIDE = chr(0x1F6A7)  # four bytes in UTF-8, and in memory


@pytest.fixture
def api(store: Any, replica: Any) -> Api:  # noqa: F811

    return Api(plain_context(store, replica))  # type: ignore[arg-type]


def options(number: int) -> list[dict[str, str]]:
    """48 DHCP options with the longest values, each time others: 50 KB."""
    return [
        {"opt_name": f"option-{each}", "opt_value": f"{number:05}" + 250 * WIDE} for each in range(48)
    ]  # fmt: skip


def test_a_large_port_that_is_updated_often_takes_no_more_than_the_bounds(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "BYTES", 2**20)
    monkeypatch.setattr(feed, "BYTES", 2**20)
    port = api.made("port", network_id=api.made("network")["id"])
    path = f"/v2.0/ports/{port['id']}"
    commits, events = api.context.store._log, api.context.events  # type: ignore[attr-defined]
    held = []
    for number in range(100):  # 5 MB
        assert api.call("PUT", path, {"port": {"extra_dhcp_opts": options(number)}}).status == 200
        if number % 25 == 24:
            held.append((retained(commits._changes), retained(events._entries, [api.context.replica.model])))
    assert max(of_log for of_log, _ in held) < 2 * 2**20 + 2**18
    assert max(of_events for _, of_events in held) < 2 * (2 * 2**20 + 2**18), "encoded, a text takes less"
    assert commits.bytes <= 2 * 2**20 + 2**18
    assert events.bytes <= 2 * 2**20 + 2**18


def test_what_is_the_same_in_two_versions_is_held_once(api: Api) -> None:
    port = api.made("port", network_id=api.made("network")["id"], extra_dhcp_opts=options(0))
    events = api.context.events
    before = retained(events._entries, [api.context.replica.model])
    for number in range(100):
        assert api.call("PUT", f"/v2.0/ports/{port['id']}", {"port": {"name": f"n{number}"}}).status == 200
    assert retained(events._entries, [api.context.replica.model]) - before < 100 * 4_000


def test_sharing_changes_no_row() -> None:
    one = Port(id="a", project_id="p", network_id="n", mac_address="fa:16:3e:00:00:01", tags=("x", "y"), name="one")
    other = replace(one, tags=tuple("xy"), name="other")
    share(one, other)
    assert (other.name, other.tags) == ("other", ("x", "y"))
    assert other.tags is one.tags


def test_the_log_is_cut_by_bytes_and_in_whole_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "BYTES", 1000)
    changes = ChangeLog(0)
    for revision in range(1, 101):
        changes.append([Change(revision, f"k/{each}", b"x" * 97) for each in range(2)])  # 200 bytes
        assert changes.bytes <= 2 * 1000 + 200
    changes.close()
    kept = [after for after in range(101) if _served(changes, after)]
    assert kept == list(range(kept[0], 101)) and 100 - kept[0] >= 5
    assert sum(len(batch) for batch in changes.follow(kept[0])) == 2 * (100 - kept[0])


def test_a_commit_that_is_larger_than_the_bound_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "BYTES", 1000)
    changes = ChangeLog(0)
    follower = changes.follow(0)
    for revision in range(1, 6):
        changes.append([Change(revision, "k/a", b"x" * 5000)])
        assert [change.revision for change in next(follower)] == [revision]


def _served(changes: ChangeLog, after: int) -> bool:
    try:
        list(changes.follow(after))
    except Compacted:
        return False
    return True

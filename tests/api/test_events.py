"""The stream of events: what changed, in order, to who may see it, resumable."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from webob import Request

from controller import events as kept
from controller.store.replica import Replica
from controller.store.store import Store
from northbound import events
from tests.api.conftest import Api, PlainStatuses
from tests.api.tenants import Cloud


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams end when there is no more."""
    monkeypatch.setattr(events, "LASTS", -1.0)


def told(api: Api, after: object = "", token: str = "") -> list[tuple[str, str, Any]]:
    """(id, event, data) of each event of a stream."""
    request = Request.blank("/tenet/v1/events" + (f"?after={after}" if after != "" else ""))
    request.headers["X-Auth-Token"] = token
    response = request.get_response(api.app)
    assert response.status_int == 200, response.body
    assert response.content_type == "text/event-stream"
    found = []
    for block in response.body.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if lines:
            found.append((lines.get("id", ""), lines["event"], msgspec.json.decode(lines["data"])))
    return found


def test_every_commit_is_one_event_and_its_id_is_its_revision(api: Api) -> None:
    start = api.context.replica.model.revision
    network = api.made("network", name="a")
    api.call("PUT", f"/v2.0/networks/{network['id']}", {"network": {"name": "b"}})
    api.call("POST", "/v2.0/ports", {"ports": [{"network_id": network["id"]}] * 3})
    api.call("DELETE", f"/v2.0/ports/{api.call('GET', '/v2.0/ports').json['ports'][0]['id']}")
    found = [each for each in told(api, start) if each[1] == "change"]
    assert [[change["change"] for change in data["changes"]] for _, _, data in found] == [
        ["create"], ["update"], ["create"] * 3, ["delete"],
    ]  # fmt: skip
    assert [int(name) for name, _, _ in found] == [data["revision"] for _, _, data in found]
    assert found[1][2]["changes"][0]["network"]["name"] == "b"


def test_from_any_event_on_the_rest_comes_once(api: Api) -> None:
    start = api.context.replica.model.revision
    for number in range(5):
        api.made("network", name=str(number))
        api.context.events.look()
    port = api.made("port", network_id=api.made("network")["id"])
    api.context.events.look()
    statuses = api.context.statuses
    assert isinstance(statuses, PlainStatuses)
    statuses.confirmed.add(port["id"])
    api.context.events.look()
    whole = told(api, start)
    assert [data["ports"][0]["status"] for _, event, data in whole if event == "status"] == ["BUILD", "ACTIVE"]
    for place, (name, _, _) in enumerate(whole):
        assert told(api, name) == whole[place + 1 :]
    assert told(api) == []


def test_a_tenant_is_told_of_its_own_alone(tmp_path: Path, store: Store, replica: Replica) -> None:
    cloud = Cloud(tmp_path, store, replica)
    red, blue = cloud.person("red", "member"), cloud.person("blue", "member")
    start = replica.model.revision
    network = red.made("network", name="secret")
    port = red.made("port", network_id=network["id"])
    red.context.events.look()
    red.call("DELETE", f"/v2.0/ports/{port['id']}")
    assert told(blue, start, blue.token) == []
    seen = told(red, start, red.token)
    assert [event for _, event, _ in seen] == ["change", "change", "status", "change"]
    assert "provider:segmentation_id" not in seen[0][2]["changes"][0]["network"]


def test_too_far_back_is_gone(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "KEPT", 3)
    for _ in range(10):
        api.made("network")
    assert api.call("GET", "/tenet/v1/events?after=0").error == (410, "EventsGone")
    last = api.context.replica.model.revision
    assert api.call("GET", f"/tenet/v1/events?after={last}.7").error == (410, "EventsGone")
    for wrong in ("x", "-1", "1.", "%D9%A1", "9" * 40):
        assert api.call("GET", f"/tenet/v1/events?after={wrong}").status == 400
    assert api.call("GET", "/tenet/v1/events?before=1").status == 400


def test_a_slow_client_costs_its_position_and_is_closed(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "KEPT", 3)
    monkeypatch.setattr(events, "LASTS", 60.0)
    request = Request.blank(f"/tenet/v1/events?after={api.context.replica.model.revision}")
    lines: Iterator[bytes] = iter(request.get_response(api.app).app_iter)
    next(lines)
    api.made("network")
    assert b"event: change" in next(lines)
    for _ in range(10):
        api.made("network")
    assert next(lines) == b"event: gone\ndata: {}\n\n"
    assert list(lines) == []


def test_only_so_many_streams(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "STREAMS", 0)
    assert api.call("GET", "/tenet/v1/events").error == (503, "ServiceUnavailable")

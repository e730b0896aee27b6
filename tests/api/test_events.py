"""The stream of events: what changed, in order, to who may see it, resumable."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from webob import Request

from controller.model.rows import GatewayRanking, Interface, Row, Switch
from controller.publish import feed
from controller.store.replica import Replica
from controller.store.store import Store
from controller.store.transaction import transact
from northbound import events, streams
from tests.api.conftest import Api, PlainStatuses
from tests.api.tenants import Cloud, Person


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
    api.call("GET", "/v2.0/default-security-group-rules")  # which a store is given once
    start = api.context.replica.model.revision
    network = api.made("network", name="a")
    api.call("PUT", f"/v2.0/networks/{network['id']}", {"network": {"name": "b"}})
    api.call("POST", "/v2.0/ports", {"ports": [{"network_id": network["id"]}] * 3})
    api.call("DELETE", f"/v2.0/ports/{api.call('GET', '/v2.0/ports').json['ports'][0]['id']}")
    found = [each for each in told(api, start) if each[1] == "change"]
    assert [[change["change"] for change in data["changes"]] for _, _, data in found] == [
        ["create"], ["update"], ["create"] * (3 + 5), ["delete"],  # with the default security group and its rules
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
    red.call("GET", "/v2.0/default-security-group-rules")  # everybody's, which a store is given once
    start = replica.model.revision
    network = red.made("network", name="secret")
    port = red.made("port", network_id=network["id"])
    red.context.events.look()
    red.call("DELETE", f"/v2.0/ports/{port['id']}")
    assert told(blue, blue.after(start), blue.token) == []
    seen = told(red, red.after(start), red.token)
    assert [event for _, event, _ in seen] == ["change", "change", "status", "change"]
    assert "provider:segmentation_id" not in seen[0][2]["changes"][0]["network"]


def test_too_far_back_is_gone(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "KEPT", 3)
    for _ in range(10):
        api.made("network")
    assert api.call("GET", "/tenet/v1/events?after=0").error == (410, "EventsGone")
    last = api.context.replica.model.revision
    here = api.context.events.process
    assert api.call("GET", f"/tenet/v1/events?after={last}.7.{here}").error == (410, "EventsGone")
    for wrong in (
        "x",
        f"{last}.7",
        f"{last}.7.",
        f"{last}..{here}",
        f"{last}.7.{here}x",
        "-1",
        "1.",
        "%D9%A1",
        "9" * 40,
    ):
        assert api.call("GET", f"/tenet/v1/events?after={wrong}").status == 400
    assert api.call("GET", "/tenet/v1/events?before=1").status == 400


def test_a_slow_client_costs_its_position_and_is_closed(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "KEPT", 3)
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
    monkeypatch.setattr(streams, "MOST", 0)
    assert api.call("GET", "/tenet/v1/events").error == (503, "ServiceUnavailable")


def test_a_status_that_comes_and_goes_between_two_looks_is_told(api: Api) -> None:
    port = api.made("port", network_id=api.made("network")["id"])
    statuses = api.context.statuses
    assert isinstance(statuses, PlainStatuses)
    statuses.confirmed.add(port["id"])
    api.context.events.look()
    start = api.context.replica.model.revision
    path = f"/v2.0/ports/{port['id']}"
    for up in (False, True):
        api.call("PUT", path, {"port": {"admin_state_up": up}})
    statuses.confirmed.discard(port["id"])  # as a change has it, until the switches follow
    api.call("PUT", path, {"port": {"name": "a"}})
    statuses.confirmed.add(port["id"])
    api.call("PUT", path, {"port": {"admin_state_up": False}})
    found = [data["ports"][0]["status"] for _, event, data in told(api, start) if event == "status"]
    assert found == ["BUILD", "ACTIVE", "DOWN", "ACTIVE", "BUILD", "ACTIVE", "DOWN"]
    network = f"/v2.0/networks/{port['network_id']}"
    start = api.context.replica.model.revision
    api.call("PUT", path, {"port": {"admin_state_up": True}})
    for up in (False, True):
        api.call("PUT", network, {"network": {"admin_state_up": up}})
    found = [data["ports"][0]["status"] for _, event, data in told(api, start) if event == "status"]
    assert found[-3:] == ["ACTIVE", "DOWN", "ACTIVE"]


def test_what_is_shared_comes_and_what_is_no_longer_shared_goes(tmp_path: Path, store: Store, replica: Replica) -> None:
    cloud = Cloud(tmp_path, store, replica)
    red, blue, green = (cloud.person(project, "member") for project in ("red", "blue", "green"))
    network = red.made("network", name="ours")
    red.made("subnet", network_id=network["id"], ip_version=4, cidr="10.0.0.0/24")
    start = replica.model.revision
    policy = red.made("rbac-policy", object_type="network", object_id=network["id"], action="access_as_shared",
                      target_tenant="blue")  # fmt: skip
    red.call("PUT", f"/v2.0/networks/{network['id']}", {"network": {"name": "still"}})

    def seen(person: Person) -> list[list[tuple[str, str]]]:
        found = told(person, person.after(start), person.token)
        return [[(each["change"], each["kind"]) for each in data["changes"]] for _, _, data in found]

    assert seen(blue) == [[("create", "network"), ("create", "subnet")], [("update", "network")]]
    assert seen(green) == []
    red.call("DELETE", f"/v2.0/rbac-policies/{policy['id']}")
    assert seen(blue)[-1] == [("delete", "network"), ("delete", "subnet")]
    assert seen(green) == []
    assert ("delete", "network") not in seen(red)[-1]
    assert "still" not in str(told(blue, blue.after(start), blue.token))  # what is not shared any more is not shown


def test_a_port_that_is_plugged_in_elsewhere_is_told_with_its_host(api: Api) -> None:
    port = api.made("port", network_id=api.made("network")["id"])
    context = api.context

    def put(*rows: Row) -> None:
        transact(context.store, context.replica, lambda tx: [tx.put(row) for row in rows])

    put(Switch(id="a", number=1, dpid=1, host="h1"), Switch(id="b", number=2, dpid=2, host="h2"))
    start = context.replica.model.revision
    for switch, host in (("a", "h1"), ("b", "h2")):
        since = context.replica.model.revision
        put(Interface(switch_id=switch, name="tap", vif=port["id"], ofport=5, since=since))
        last = [data for _, event, data in told(api, start) if event == "change"][-1]
        assert last["changes"][0]["port"]["binding:host_id"] == host


def test_operators_are_told_which_gateways_have_moved(tmp_path: Path, store: Store, replica: Replica) -> None:
    cloud = Cloud(tmp_path, store, replica)
    start, operator = replica.model.revision, cloud.person("red", "admin")
    for switches, leaving in ((("h1", "h2"), ""), (("h2",), "h1"), (("h2",), "")):
        ranking = GatewayRanking(id="r", switches=switches, leaving=leaving)
        transact(store, replica, lambda tx, row=ranking: tx.put(row))
    transact(store, replica, lambda tx: tx.delete(GatewayRanking(id="r", switches=("h2",))))
    moves = [("h1", ""), ("h2", "h1"), ("", "h2")]
    said = [data["gateways"] for _, name, data in told(operator, start, operator.token) if name == "gateway_moved"]
    assert said == [[{"router_id": "r", "switch": switch, "former": former}] for switch, former in moves]
    tenant = cloud.person("red", "member")
    assert told(tenant, tenant.after(start), tenant.token) == []

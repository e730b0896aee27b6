"""`Prefer: wait=N`: the answer comes when the write is in force."""

from __future__ import annotations

from typing import Any

import pytest

from northbound.prefer import wait

from .conftest import Api, PlainStatuses


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("wait=5", 5),
        ("WAIT = 5", 5),
        ('wait="5"', 5),
        ("respond-async, wait=10", 10),
        ("wait=7; foo=bar", 7),
        ("wait=7, wait=9", 7),
        ("wait=600", 60),
        ("wait=0", 0),
        ("", None),
        (None, None),
        ("wait", None),
        ("wait=", None),
        ("wait=-1", None),
        ("wait=1.5", None),
        ("wait=x", None),
        ("wait=99999999999999999999", None),
        ("waiting=5", None),
        (",,;=", None),
    ],
)
def test_the_header(header: str | None, seconds: int | None) -> None:
    assert wait(header) == seconds


def statuses(api: Api) -> PlainStatuses:
    found = api.context.statuses
    assert isinstance(found, PlainStatuses)
    return found


def test_a_write_that_prefers_to_wait_is_answered_with_the_status_after(api: Api) -> None:
    network = api.made("network")
    body = {"port": {"network_id": network["id"]}}
    reply = api.call("POST", "/v2.0/ports", body, Prefer="wait=5")
    port = reply.json["port"]
    assert (reply.status, port["status"]) == (201, "ACTIVE")
    assert reply.headers["Preference-Applied"] == "wait=5"
    assert statuses(api).waited == [(api.context.replica.model.revision, [port["id"]], 5)]
    reply = api.call("PUT", f"/v2.0/ports/{port['id']}", {"port": {"name": "x"}}, Prefer="wait=9")
    assert reply.json["port"]["name"] == "x"
    assert statuses(api).waited[-1] == (api.context.replica.model.revision, [port["id"]], 9)


def test_the_answer_shows_the_port_as_it_is_after_the_wait(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def wait_and_rename(revision: int, port_ids: list[str], timeout: float) -> None:
        assert api.call("PUT", f"/v2.0/ports/{port_ids[0]}", {"port": {"name": "later"}}).status == 200

    network = api.made("network")
    monkeypatch.setattr(statuses(api), "wait", wait_and_rename)
    reply = api.call("POST", "/v2.0/ports", {"port": {"network_id": network["id"]}}, Prefer="wait=5")
    assert reply.json["port"]["name"] == "later"


def test_a_bulk_waits_for_all(api: Api) -> None:
    network = api.made("network")
    reply = api.call("POST", "/v2.0/ports", {"ports": [{"network_id": network["id"]}] * 3}, Prefer="wait=600")
    assert [port["status"] for port in reply.json["ports"]] == ["ACTIVE"] * 3
    assert reply.headers["Preference-Applied"] == "wait=60"
    ((_, waited, seconds),) = statuses(api).waited
    assert (sorted(waited), seconds) == (sorted(port["id"] for port in reply.json["ports"]), 60)


def test_a_call_on_an_object_waits_for_every_switch(api: Api) -> None:
    network = api.made("network")["id"]
    subnet = api.made("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/24")["id"]
    path = f"/v2.0/routers/{api.made('router')['id']}/add_router_interface"
    reply = api.call("PUT", path, {"subnet_id": subnet}, Prefer="wait=5")
    assert (reply.status, reply.headers["Preference-Applied"]) == (200, "wait=5")
    (waited,) = api.context.statuses.waited  # type: ignore[attr-defined]
    assert waited[1:] == ([], 5)


@pytest.mark.parametrize("headers", [{}, {"Prefer": "wait=soon"}, {"Prefer": "return=minimal"}])
def test_who_does_not_prefer_it_is_answered_at_once(api: Api, headers: dict[str, Any]) -> None:
    network = api.made("network")
    reply = api.call("POST", "/v2.0/ports", {"port": {"network_id": network["id"]}}, **headers)
    assert reply.json["port"]["status"] == "BUILD"
    assert "Preference-Applied" not in reply.headers
    assert statuses(api).waited == []


def test_a_refused_write_does_not_wait(api: Api) -> None:
    assert api.call("POST", "/v2.0/ports", {"port": {}}, Prefer="wait=60").status == 400
    assert statuses(api).waited == []


def test_v1_waits_for_a_plug_and_a_state(api: Api) -> None:
    made = api.call("POST", "/v1.1/tenants/t/networks", {"network": {"name": "n"}}).json["network"]["id"]
    ports = f"/v1.1/tenants/t/networks/{made}/ports"
    port = f"{ports}/{api.call('POST', ports).json['port']['id']}"
    for path, body in ((f"{port}/attachment", {"attachment": {"id": "eth0"}}), (port, {"port": {"state": "ACTIVE"}})):
        reply = api.call("PUT", path, body, Prefer="wait=3")
        assert (reply.status, reply.headers["Preference-Applied"]) == (204, "wait=3")
    assert len(statuses(api).waited) == 2
    assert api.call("GET", port).json["port"]["op-status"] == "UP"

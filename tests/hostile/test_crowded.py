"""A tenant with one network of 10,000 ports: no call about it holds the hub, in processor time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from northbound import events
from northbound.events import Start

from .site import Site, running

PORTS, BULK = 10_000, 1_000
# The goal is 50 ms at 100,000 ports (docs/decisions/0062-turns.md): in one go, 10,000 take longer than this.
LONGEST = 0.025  # seconds


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("site"), 100, 10) as site:
        for _ in range(PORTS // BULK):
            ports = [{"network_id": network(site), "project_id": "crowd", "name": "x"} for _ in range(BULK)]
            assert site.call("POST", "/v2.0/ports", {"ports": ports}).status == 201
        yield site


def network(site: Site) -> str:
    """The network of the crowd, made where it is not there."""
    there = site.call("GET", "/v2.0/networks?project_id=crowd").json["networks"]
    if not there:
        there = [site.call("POST", "/v2.0/networks", {"network": {"project_id": "crowd"}}).json["network"]]
    return str(there[0]["id"])


@pytest.mark.parametrize("suffix", ["", ".xml"])
@pytest.mark.parametrize("path", ["ports", "ports/detail", "detail", "ports?op-status=DOWN"])
def test_lists_of_v1_give_turns(site: Site, path: str, suffix: str) -> None:
    name, _, query = path.partition("?")
    whole = f"/v1.1/tenants/crowd/networks/{network(site)}/{name}{suffix}?{query}"
    assert site.call("GET", whole).body.count(b"id") >= PORTS
    assert site.held(lambda: site.call("GET", whole)) < LONGEST


@pytest.mark.parametrize("query", ["project_id=crowd", "project_id=crowd&fields=id", "network_id={}&fields=id"])
def test_lists_by_an_index_give_turns(site: Site, query: str) -> None:
    path = f"/v2.0/ports?{query.format(network(site))}"
    assert len(site.call("GET", path).json["ports"]) == PORTS
    assert site.held(lambda: site.call("GET", path)) < LONGEST


def test_statuses_for_a_reader_from_another_member_give_turns(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_start", lambda ask: Start(ask.context.events.last, False))
    monkeypatch.setattr(events, "LASTS", -1.0)
    said = site.call("GET", "/tenet/v1/events").body
    assert said.count(b'"status":') >= PORTS
    assert site.held(lambda: site.call("GET", "/tenet/v1/events")) < LONGEST

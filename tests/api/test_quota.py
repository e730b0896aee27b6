"""Quotas over the API: what is over is refused, whoever asks at the same time."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.runtime import hub
from controller.store.replica import Replica
from controller.store.store import Store

from .conftest import Reply
from .tenants import Cloud


@pytest.fixture
def cloud(tmp_path: Path, store: Store, replica: Replica) -> Cloud:
    return Cloud(tmp_path, store, replica, limits={"network": 2, "port": 10})


def test_the_limit_is_the_last(cloud: Cloud) -> None:
    red, blue = cloud.person("red", "member"), cloud.person("blue", "member")
    first = red.made("network")
    red.made("network")
    before = red.everything()
    reply = red.call("POST", "/v2.0/networks", {"network": {}})
    assert reply.error == (409, "OverQuota")
    assert "Quota exceeded for resources: ['network']" in reply.json["NeutronError"]["message"]
    assert red.everything() == before
    assert blue.made("network")
    assert red.call("DELETE", f"/v2.0/networks/{first['id']}").status == 204
    assert red.made("network")


def test_bulk_is_all_or_nothing(cloud: Cloud) -> None:
    red = cloud.person("red", "member")
    network = red.made("network")["id"]
    assert red.call("POST", "/v2.0/ports", {"ports": [{"network_id": network}] * 11}).error == (409, "OverQuota")
    assert red.call("GET", "/v2.0/ports").json["ports"] == []
    assert red.call("POST", "/v2.0/ports", {"ports": [{"network_id": network}] * 10}).status == 201


def test_quantum_has_the_same_limits(cloud: Cloud) -> None:
    red = cloud.person("red", "member")
    codes = [red.call("POST", "/v1.1/tenants/red/networks", {"network": {"name": "n"}}).status for _ in range(3)]
    assert codes == [202, 202, 409]


def test_at_the_same_time(cloud: Cloud) -> None:
    red = cloud.person("red", "member")
    network = red.made("network")["id"]
    replies: list[Reply] = []

    def ask() -> None:
        replies.append(red.call("POST", "/v2.0/ports", {"port": {"network_id": network}}))

    for thread in [hub.spawn(ask) for _ in range(40)]:
        thread.wait()
    assert sorted(reply.status for reply in replies) == [201] * 10 + [409] * 30
    assert {reply.error for reply in replies if reply.status == 409} == {(409, "OverQuota")}
    assert len(red.call("GET", "/v2.0/ports").json["ports"]) == 10


def test_the_operator_changes_a_limit(cloud: Cloud) -> None:
    red, operator = cloud.person("red", "member"), cloud.person("ops", "admin")
    assert operator.call("PUT", "/v2.0/quotas/red", {"quota": {"network": 3}}).status == 200
    networks = [red.made("network") for _ in range(3)]
    assert red.call("POST", "/v2.0/networks", {"network": {}}).error == (409, "OverQuota")
    assert operator.call("PUT", "/v2.0/quotas/red", {"quota": {"network": 1, "force": True}}).status == 200
    for network in networks[:2]:
        assert red.call("DELETE", f"/v2.0/networks/{network['id']}").status == 204
        assert red.call("POST", "/v2.0/networks", {"network": {}}).error == (409, "OverQuota")
    assert red.call("DELETE", f"/v2.0/networks/{networks[2]['id']}").status == 204
    assert red.made("network")
    assert operator.call("PUT", "/v2.0/quotas/red", {"quota": {"network": -1}}).status == 200
    assert red.call("POST", "/v2.0/networks", {"networks": [{}] * 50}).status == 201
    assert operator.call("DELETE", "/v2.0/quotas/red").status == 204
    assert red.call("POST", "/v2.0/networks", {"network": {}}).error == (409, "OverQuota")
    details = operator.call("GET", "/v2.0/quotas/red/details").json["quota"]["network"]
    assert (details["limit"], details["used"]) == (2, 51)

"""Bulk create: all or nothing, in one transaction."""

from __future__ import annotations

import time

from northbound.v2.engine import MAX_BULK

from .conftest import Api


def test_all_are_made_at_one_revision(api: Api) -> None:
    networks = api.call("POST", "/v2.0/networks", {"networks": [{"name": "a"}, {"name": "b"}]})
    assert networks.status == 201
    assert [network["name"] for network in networks.json["networks"]] == ["a", "b"]
    assert len({network["revision_number"] for network in networks.json["networks"]}) == 1


def test_one_that_cannot_be_refuses_all(api: Api) -> None:
    network = api.made("network")
    api.made("subnet", network_id=network["id"], ip_version=4, cidr="10.0.0.0/29")
    one = {"network_id": network["id"]}
    before = api.everything()
    assert api.call("POST", "/v2.0/ports", {"ports": [one] * 6}).error == (409, "IpAddressGenerationFailure")
    same = one | {"mac_address": "02:00:00:00:00:01"}
    clash = api.call("POST", "/v2.0/ports", {"ports": [same, same]})
    assert clash.error == (409, "MacAddressInUse")
    assert clash.json["NeutronError"]["detail"] == "ports[1]"
    wrong = api.call("POST", "/v2.0/ports", {"ports": [one, one | {"name": 5}, {}]})
    assert wrong.error == (400, "HTTPBadRequest")
    assert "ports[1].name" in wrong.json["NeutronError"]["detail"]
    assert "ports[2].network_id" in wrong.json["NeutronError"]["detail"]
    assert api.everything() == before
    assert api.call("POST", "/v2.0/ports", {"ports": [one] * 5}).status == 201


def test_subnets_of_one_request_must_not_overlap(api: Api) -> None:
    network = api.made("network")
    subnets = [{"network_id": network["id"], "ip_version": 4, "cidr": cidr} for cidr in ("10.0.0.0/24", "10.0.0.0/25")]
    assert api.call("POST", "/v2.0/subnets", {"subnets": subnets}).error == (400, "InvalidInput")
    assert api.call("GET", "/v2.0/subnets").json == {"subnets": []}


def test_what_is_not_a_list_of_objects(api: Api) -> None:
    bodies: list[object] = [{"ports": []}, {"ports": {}}, {"ports": [1]}, {"ports": None}, {"ports": [{}], "port": {}}]
    for body in bodies:
        assert api.call("POST", "/v2.0/ports", body).error == (400, "HTTPBadRequest")
    assert api.call("POST", "/v2.0/ports", {"ports": [{}] * (MAX_BULK + 1)}).status == 413


def test_a_bulk_of_many_wrong_ones_is_refused_in_a_short_answer(api: Api) -> None:
    reply = api.call("POST", "/v2.0/ports", {"ports": [{}] * MAX_BULK})
    assert reply.status == 400
    assert len(reply.body) < 5_000


def test_the_largest_bulk_is_admitted_and_quick(api: Api) -> None:
    network = api.made("network")
    api.made("subnet", network_id=network["id"], ip_version=4, cidr="10.0.0.0/16")
    one = {"network_id": network["id"], "name": "n" * 255, "device_id": "d" * 255, "device_owner": "o" * 255}
    started = time.thread_time()
    reply = api.call("POST", "/v2.0/ports", {"ports": [one] * MAX_BULK})
    spent = time.thread_time() - started
    assert reply.status == 201
    addresses = {port["fixed_ips"][0]["ip_address"] for port in reply.json["ports"]}
    assert len(addresses) == MAX_BULK
    assert spent < MAX_BULK * 600e-6  # 70 us a port on an idle 2-core machine

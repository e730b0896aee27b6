"""Many writers at once: what there is one of, one gets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from controller.runtime import hub

from .conftest import Api, Reply
from .quantum import Tenant


def at_once(calls: Sequence[Callable[[], Reply]]) -> list[Reply]:
    threads = [hub.spawn(call) for call in calls]
    return [thread.wait() for thread in threads]


def test_no_address_is_given_twice_and_none_is_lost(api: Api) -> None:
    network = api.made("network")
    api.made("subnet", network_id=network["id"], ip_version=4, cidr="10.0.0.0/26")  # 61 addresses
    body = {"port": {"network_id": network["id"]}}
    replies = at_once([lambda: api.call("POST", "/v2.0/ports", body)] * 120)
    assert Counter(reply.status for reply in replies) == {201: 61, 409: 59}
    assert {reply.error[1] for reply in replies if reply.status == 409} == {"IpAddressGenerationFailure"}
    given = [reply.json["port"]["fixed_ips"][0]["ip_address"] for reply in replies if reply.status == 201]
    assert len(set(given)) == 61
    stored = {port["id"] for port in api.call("GET", "/v2.0/ports").json["ports"]}
    assert stored == {reply.json["port"]["id"] for reply in replies if reply.status == 201}


def test_one_address_that_many_ask_for(api: Api) -> None:
    network = api.made("network")
    api.made("subnet", network_id=network["id"], ip_version=4, cidr="10.0.0.0/24")
    body = {"port": {"network_id": network["id"], "fixed_ips": [{"ip_address": "10.0.0.9"}]}}
    replies = at_once([lambda: api.call("POST", "/v2.0/ports", body)] * 20)
    assert Counter(reply.status for reply in replies) == {201: 1, 409: 19}


def test_one_interface_and_many_ports(api: Api) -> None:
    red = Tenant(api)
    network = red.network()
    ports = [red.port(network) for _ in range(10)]
    plug = {"attachment": {"id": "eth0"}}
    calls = [partial(red.call, "PUT", f"{port}/attachment", plug) for port in ports]
    assert Counter(reply.status for reply in at_once(calls)) == {204: 1, 409: 9}


def test_a_network_that_is_deleted_while_ports_come(api: Api) -> None:
    """Either the delete is refused or no port is made: never a port without its network."""
    for _ in range(10):
        network = api.made("network")["id"]
        body = {"port": {"network_id": network}}
        calls = [partial(api.call, "POST", "/v2.0/ports", body) for _ in range(3)]
        calls.insert(1, partial(api.call, "DELETE", f"/v2.0/networks/{network}"))
        statuses = [reply.status for reply in at_once(calls)]
        deleted = statuses.pop(1)
        assert (deleted, set(statuses)) in ((204, {404}), (409, {201}))


def test_subnets_that_would_overlap(api: Api) -> None:
    network = api.made("network")["id"]
    bodies = [
        {"subnet": {"network_id": network, "ip_version": 4, "cidr": f"10.0.0.0/{length}"}} for length in range(16, 26)
    ]
    calls = [partial(api.call, "POST", "/v2.0/subnets", body) for body in bodies]
    assert Counter(reply.status for reply in at_once(calls)) == {201: 1, 400: 9}


def test_a_subnet_that_is_deleted_while_addresses_are_given(api: Api) -> None:
    network = api.made("network")["id"]
    for _ in range(10):
        subnet = api.made("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/24")["id"]
        body = {"port": {"network_id": network, "fixed_ips": [{"subnet_id": subnet}]}}
        made, deleted = at_once(
            [
                partial(api.call, "POST", "/v2.0/ports", body),
                partial(api.call, "DELETE", f"/v2.0/subnets/{subnet}"),
            ]
        )
        assert (made.status, deleted.status) in ((201, 409), (404, 204))
        if made.status == 201:
            api.call("DELETE", f"/v2.0/ports/{made.json['port']['id']}")
            api.call("DELETE", f"/v2.0/subnets/{subnet}")

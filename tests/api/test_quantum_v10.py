"""Quantum v1.0: the calls of v1.1 with codes and a form of errors of its own."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from .conftest import Api

NETWORKS = "/v1.0/tenants/red/networks"


def network(api: Api, name: str = "n") -> str:
    reply = api.call("POST", NETWORKS, {"network": {"name": name}})
    assert reply.status == 200
    assert reply.json["network"].keys() == {"id"}
    return f"{NETWORKS}/{reply.json['network']['id']}"


def test_a_network_and_a_port(api: Api) -> None:
    path = network(api)
    assert api.call("GET", f"{NETWORKS}/detail").json["networks"] == [{"id": path.rpartition("/")[2], "name": "n"}]
    reply = api.call("POST", f"{path}/ports", {"port": {"state": "ACTIVE"}})
    assert reply.status == 200
    port = f"{path}/ports/{reply.json['port']['id']}"
    assert api.call("GET", port).json["port"] == {"id": reply.json["port"]["id"], "state": "ACTIVE"}
    assert api.call("PUT", f"{port}/attachment", {"attachment": {"id": "vif"}}).status == 204
    assert api.call("DELETE", f"{port}/attachment").status == 204
    assert api.call("DELETE", port).status == 204
    assert api.call("DELETE", path).status == 204


def test_its_codes(api: Api) -> None:
    """Quantum API v1.0, faults."""
    path = network(api)
    ports = [f"{path}/ports/{api.call('POST', f'{path}/ports').json['port']['id']}" for _ in range(2)]
    assert api.call("PUT", f"{ports[0]}/attachment", {"attachment": {"id": "vif"}}).status == 204
    for method, where, body, expected in [
        ("GET", f"{NETWORKS}/none", None, (420, "networkNotFound")),
        ("DELETE", path, None, (421, "networkInUse")),
        ("GET", f"{path}/ports/none", None, (430, "portNotFound")),
        ("PUT", ports[0], {"port": {"state": "up"}}, (431, "requestedStateInvalid")),
        ("DELETE", ports[0], None, (432, "portInUse")),
        ("PUT", f"{ports[0]}/attachment", {"attachment": {"id": "other"}}, (432, "portInUse")),
        ("PUT", f"{ports[1]}/attachment", {"attachment": {"id": "vif"}}, (440, "alreadyAttached")),
        ("POST", NETWORKS, {"network": {}}, (400, "hTTPBadRequest")),
    ]:
        reply = api.call(method, where, body)
        ((name, fault),) = reply.json.items()
        assert (reply.status, name) == expected
        assert fault.keys() == {"code", "message", "detail"} and fault["code"] == reply.status


def test_its_xml(api: Api) -> None:
    root = ElementTree.fromstring(api.call("GET", f"{NETWORKS}/none.xml").body)
    assert root.tag == "{http://netstack.org/quantum/api/v1.0}networkNotFound"
    assert root.get("code") == "420"


@pytest.mark.parametrize("version", ["v1.0", "v1.1"])
def test_both_see_the_same_networks(api: Api, version: str) -> None:
    made = network(api).rpartition("/")[2]
    assert [found["id"] for found in api.call("GET", f"/{version}/tenants/red/networks").json["networks"]] == [made]

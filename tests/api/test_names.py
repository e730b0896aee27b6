"""Names of ports in the API: dns_name, dns_domain, dns_assignment, dns_publish_fixed_ip."""

from __future__ import annotations

from typing import Any

import pytest
from webob import Request

from controller.model.names import domain
from controller.model.rows import Network, Port
from controller.store.replica import Replica
from controller.store.store import Store
from northbound.auth import Caller

from .conftest import Api, plain_context


@pytest.fixture
def network(api: Api) -> dict[str, Any]:
    network = api.made("network")
    api.made("subnet", network_id=network["id"], ip_version=4, cidr="10.0.0.0/24")
    return network


def at(address: str) -> list[dict[str, str]]:
    return [{"ip_address": address}]


def put(api: Api, kind: str, row_id: str, **attributes: object) -> dict[str, Any]:
    found: dict[str, Any] = api.call("PUT", f"/v2.0/{kind}s/{row_id}", {kind: attributes}).json[kind]
    return found


def test_a_port_without_a_name_is_called_after_its_address(api: Api, network: dict[str, Any]) -> None:
    port = api.made("port", network_id=network["id"], fixed_ips=at("10.0.0.5"))
    assert (port["dns_name"], port["dns_domain"]) == ("", "")
    assert port["dns_assignment"] == [
        {"ip_address": "10.0.0.5", "hostname": "host-10-0-0-5", "fqdn": "host-10-0-0-5.openstacklocal."}
    ]


def test_a_port_has_the_name_that_was_said_last(api: Api, network: dict[str, Any]) -> None:
    port = api.made("port", network_id=network["id"], fixed_ips=at("10.0.0.5"), dns_name="Web", dns_domain="Shop.Test.")
    assert (port["dns_name"], port["dns_domain"]) == ("web", "shop.test.")
    assert port["dns_assignment"] == [{"ip_address": "10.0.0.5", "hostname": "web", "fqdn": "web.openstacklocal."}]
    after = put(api, "port", port["id"], dns_name="")
    assert (after["dns_name"], after["dns_domain"]) == ("", "shop.test.")
    assert after["dns_assignment"][0]["hostname"] == "host-10-0-0-5"
    assert after["revision_number"] > port["revision_number"]


def test_names_are_found(api: Api, network: dict[str, Any]) -> None:
    port = api.made("port", network_id=network["id"], dns_name="web")
    api.made("port", network_id=network["id"])
    assert [each["id"] for each in api.call("GET", "/v2.0/ports?dns_name=web").json["ports"]] == [port["id"]]


def test_a_network_has_a_domain_and_a_subnet_is_published(api: Api) -> None:
    network = api.made("network", dns_domain="<project_id>.Cloud.Test.")
    assert network["dns_domain"] == "<project_id>.cloud.test."
    assert put(api, "network", network["id"], dns_domain="")["dns_domain"] == ""
    subnet = api.made("subnet", network_id=network["id"], ip_version=4, cidr="10.0.0.0/24", dns_publish_fixed_ip=True)
    assert subnet["dns_publish_fixed_ip"] is True
    assert put(api, "subnet", subnet["id"], dns_publish_fixed_ip=False)["dns_publish_fixed_ip"] is False


class Anna:
    """Who asks, as Keystone tells."""

    again = 60.0

    def who(self, request: Request) -> Caller:
        return Caller("p1", operator=True, user_id="u1", user="anna", project="shop")


def test_keywords_are_those_of_the_user_who_said_the_name_last(store: Store, replica: Replica) -> None:
    api = Api(plain_context(store, replica, identity=Anna()))
    network = api.made("network", dns_domain="<user_name>.<project_name>.test.")
    row = replica.model.get(Network, network["id"])
    port = replica.model.get(Port, api.made("port", network_id=network["id"], dns_name="web")["id"])
    assert row is not None and port is not None
    assert domain(port, row) == "anna.shop.test."
    unnamed = replica.model.get(Port, api.made("port", network_id=network["id"])["id"])
    assert unnamed is not None and unnamed.dns_keywords == ()


@pytest.mark.parametrize(
    "name",
    ["a_b", "-a", "a..b", "a.1", "a" * 64, "web.example.org.", "openstacklocal.", "\u212a", "<project_id>", None, 7],
)
def test_names_of_ports_that_are_refused(api: Api, network: dict[str, Any], name: object) -> None:
    reply = api.call("POST", "/v2.0/ports", {"port": {"network_id": network["id"], "dns_name": name}})
    assert reply.status == 400, reply.body
    assert "dns_name" in reply.json["NeutronError"]["message"]


def test_a_fully_qualified_name_is_below_the_configured_domain(api: Api, network: dict[str, Any]) -> None:
    port = api.made("port", network_id=network["id"], dns_name="web.openstacklocal.")
    assert (port["dns_name"], port["dns_assignment"][0]["fqdn"]) == ("web.openstacklocal.", "web.openstacklocal.")


def test_a_name_has_room_for_its_domain(api: Api, network: dict[str, Any]) -> None:
    longest = ".".join(["a" * 59] * 3) + "." + "b" * (254 - len("openstacklocal.") - 1 - 180)
    assert api.made("port", network_id=network["id"], dns_name=longest)["dns_name"] == longest
    assert (
        api.call("POST", "/v2.0/ports", {"port": {"network_id": network["id"], "dns_name": longest + "b"}}).status
        == 400
    )


@pytest.mark.parametrize("domain", ["example.org", "a_b.org.", ".", "<nobody>.org.", "a" * 64 + ".", "é.org.", None])
@pytest.mark.parametrize("kind", ["network", "port"])
def test_domains_that_are_refused(api: Api, network: dict[str, Any], kind: str, domain: object) -> None:
    body = {"dns_domain": domain} | ({"network_id": network["id"]} if kind == "port" else {})
    reply = api.call("POST", f"/v2.0/{kind}s", {kind: body})
    assert reply.status == 400, reply.body
    assert "dns_domain" in reply.json["NeutronError"]["message"]

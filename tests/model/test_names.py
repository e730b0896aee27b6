"""Names of ports: host names, fully qualified names, domains and their keywords."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from controller.model.model import Model
from controller.model.names import Naming, all_of, assignments, domain
from controller.model.overlay import Overlay
from controller.model.rows import FixedIp, Network, Port

HERE = Naming("here.test.")
NETWORK = Network(id="n", project_id="red", mtu=1450, network_type="vxlan", segment=7)
PORT = Port(
    id="p", project_id="red", network_id="n", mac_address="02:00:00:00:00:01",
    fixed_ips=(FixedIp("s4", "10.0.0.5"), FixedIp("s6", "2001:db8::5")),
)  # fmt: skip


def shown(port: Port, naming: Naming, network: Network = NETWORK) -> list[tuple[str, ...]]:
    return [tuple(each) for each in assignments(port, Overlay(Model(), [(None, network)]), naming)]


def test_each_address_of_a_port_without_a_name_has_one() -> None:
    assert shown(PORT, HERE) == [
        ("10.0.0.5", "host-10-0-0-5", "host-10-0-0-5.here.test."),
        ("2001:db8::5", "host-2001-db8--5", "host-2001-db8--5.here.test."),
    ]


def test_without_a_domain_names_are_bare() -> None:
    assert shown(replace(PORT, dns_name="web"), Naming(""))[0] == ("10.0.0.5", "web", "web")
    assert shown(PORT, Naming(""))[0] == ("10.0.0.5", "host-10-0-0-5", "host-10-0-0-5")


def test_a_name_is_within_the_configured_domain_or_fully_qualified() -> None:
    assert shown(replace(PORT, dns_name="web"), HERE)[0] == ("10.0.0.5", "web", "web.here.test.")
    whole = "web.shop.here.test."
    assert shown(replace(PORT, dns_name=whole), HERE)[0] == ("10.0.0.5", whole, whole)


def test_the_domain_of_a_port_or_its_network_is_shown_where_it_is_published() -> None:
    """As upstream, which counts it only where an external DNS server gets it."""
    network, port = replace(NETWORK, dns_domain="net.test."), replace(PORT, dns_name="web")
    assert shown(port, HERE, network)[0][2] == "web.here.test."
    published = Naming("here.test.", lambda reads, which: which.id == "n")
    assert shown(port, published, network)[0][2] == "web.net.test."
    assert shown(replace(port, dns_domain="own.test."), published, network)[0][2] == "web.own.test."
    assert shown(port, published)[0][2] == "web.here.test."
    assert shown(replace(PORT, dns_domain="own.test."), published)[0][2] == "host-10-0-0-5.here.test."


def test_a_port_is_known_by_its_name_in_each_domain() -> None:
    port = replace(PORT, dns_name="web", dns_domain="own.test.")
    assert list(all_of(port, NETWORK, HERE)) == ["web.here.test.", "web.own.test."]
    assert list(all_of(port, NETWORK, Naming(""))) == ["web.own.test."]
    assert list(all_of(replace(port, dns_domain="here.test."), NETWORK, HERE)) == ["web.here.test."]
    assert list(all_of(replace(port, dns_name="web.here.test."), NETWORK, HERE)) == ["web.here.test."]


def test_keywords_stand_for_what_is_known_of_the_project_and_the_user() -> None:
    network = replace(NETWORK, dns_domain="<project_id>.cloud.test.")
    assert domain(PORT, network) == "red.cloud.test."
    said = replace(PORT, dns_domain="<user_name>.<project_name>.test.")
    assert domain(said, network) == ""
    known = (("project_name", "Shop"), ("user_name", "anna"))
    assert domain(replace(said, dns_keywords=known), network) == "anna.shop.test."


@pytest.mark.parametrize("value", ["", "my shop", "a.b", "-a", "a" * 64, "é", "<user_id>"])
def test_a_domain_with_a_keyword_whose_value_is_no_label_does_not_count(value: str) -> None:
    port = replace(PORT, dns_name="web", dns_domain="<project_name>.test.", dns_keywords=(("project_name", value),))
    assert domain(port, NETWORK) == ""
    assert list(all_of(port, NETWORK, HERE)) == ["web.here.test."]

"""Quantum v1.1 in JSON and in XML: which is spoken, and XML both ways."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from northbound.errors import HttpError, Problem
from northbound.v1 import formats, xml
from northbound.v1.dialect import V11

from .conftest import Api, Reply
from .quantum import Tenant, last

NAMESPACE = "http://openstack.org/quantum/api/v1.1"
NETWORKS = "/v1.1/tenants/red/networks"


def tree(reply: Reply) -> ElementTree.Element:
    assert reply.headers["Content-Type"] == "application/xml"
    return ElementTree.fromstring(reply.body)


def tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


@pytest.mark.parametrize(
    ("suffix", "headers", "spoken"),
    [
        ("", {}, "json"),
        (".json", {"Accept": "application/xml"}, "json"),
        (".xml", {"Accept": "application/json"}, "xml"),
        ("", {"Accept": "application/xml"}, "xml"),
        ("", {"Accept": "text/xml"}, "xml"),
        ("", {"Accept": "*/*"}, "json"),
        ("", {"Accept": "text/html"}, "json"),
        ("", {"Accept": "application/xml;q=0.5, application/json"}, "json"),
        ("", {"Accept": "application/json;q=0.5, application/xml"}, "xml"),
        ("", {"Content-Type": "application/xml"}, "xml"),
        ("", {"Content-Type": "application/xml", "Accept": "*/*"}, "xml"),
        ("", {"Content-Type": "application/xml", "Accept": "application/json"}, "json"),
        ("", {"Accept": ";;;xml"}, "json"),
    ],
)
def test_the_format_of_an_answer(api: Api, suffix: str, headers: dict[str, str], spoken: str) -> None:
    reply = api.call("GET", f"{NETWORKS}{suffix}", **headers)
    assert (reply.status, reply.headers["Content-Type"]) == (200, f"application/{spoken}")
    missing = api.call("GET", f"{NETWORKS}/x{suffix}", **headers)
    assert (missing.status, missing.headers["Content-Type"]) == (404, f"application/{spoken}")


def test_networks_and_ports_in_xml(api: Api) -> None:
    red = Tenant(api)
    body = f'<network xmlns="{NAMESPACE}" name="a &lt;b&gt; &quot;c&quot; é"/>'.encode()
    created = red.call("POST", "networks.xml", body, Content_Type="application/xml")
    assert created.status == 202
    root = tree(created)
    assert (root.tag, list(root.keys())) == (tag("network"), ["id"])
    network = f"networks/{root.get('id')}"
    shown = {"id": last(network), "name": 'a <b> "c" é', "op-status": "UP"}
    assert red.call("GET", network).json["network"] == shown
    assert tree(red.call("GET", f"{network}.xml")).attrib == shown
    (listed,) = tree(red.call("GET", "networks.xml"))
    assert (listed.tag, listed.attrib) == (tag("network"), {"id": last(network)})
    (detailed,) = tree(red.call("GET", "networks/detail.xml"))
    assert detailed.attrib == shown

    made = tree(red.call("POST", f"{network}/ports.xml", b"<port state='ACTIVE'/>", Content_Type="text/xml"))
    port = f"{network}/ports/{made.get('id')}"
    plug = b"<?xml version='1.0'?>\n<attachment>\n  <id>eth0</id>\n</attachment>"
    assert red.call("PUT", f"{port}/attachment", plug, Content_Type="application/xml").status == 204
    root = tree(red.call("GET", f"{network}/detail.xml"))
    (ports,) = root
    (found,) = ports
    (attachment,) = found
    assert (ports.tag, found.tag, attachment.tag) == (tag("ports"), tag("port"), tag("attachment"))
    assert found.attrib == {"id": last(port), "state": "ACTIVE", "op-status": "PROVISIONING"}
    assert attachment.attrib == {"id": "eth0"}
    assert tree(red.call("GET", f"{port}/attachment.xml")).attrib == {"id": "eth0"}
    rename = b"<network name='b'/>"
    assert red.call("PUT", network, rename, Content_Type="application/xml").status == 204
    assert red.call("GET", network).json["network"]["name"] == "b"
    assert red.call("DELETE", f"{port}/attachment.xml").status == 204
    assert list(tree(red.call("GET", f"{port}/attachment.xml")).attrib) == []


def test_nothing_in_xml(api: Api) -> None:
    root = tree(api.call("GET", f"{NETWORKS}.xml"))
    assert (root.tag, len(root)) == (tag("networks"), 0)
    assert tree(api.call("GET", "/v1.1/extensions.xml")).tag == tag("extensions")


def test_errors_in_xml(api: Api) -> None:
    root = tree(api.call("GET", f"{NETWORKS}/x.xml"))
    assert root.tag == tag("QuantumError")
    assert (root.get("type"), root.get("detail")) == ("NetworkNotFound", "")
    assert "x" in str(root.get("message"))
    assert tree(api.call("PATCH", f"{NETWORKS}.xml")).get("type") == "HTTPMethodNotAllowed"
    assert tree(api.call("GET", "/v1.1/nothing.xml")).get("type") == "HTTPNotFound"


def test_a_dialect_has_codes_of_its_own() -> None:
    older = replace(V11, codes={"NetworkNotFound": 420})
    found = Problem(404, "NetworkNotFound", "m")
    assert [formats.error(dialect, "application/json", found).status for dialect in (V11, older)] == [404, 420]


def test_what_xml_cannot_carry_does_not_break_it(api: Api) -> None:
    api.made("network", name="a\ufffeb", project_id="red")
    assert tree(api.call("GET", f"{NETWORKS}/detail.xml"))[0].get("name") == "a\ufffdb"


BOMB = b'<!DOCTYPE n [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><network name="&b;"/>'


@pytest.mark.parametrize(
    "body",
    [
        BOMB,
        b'<!DOCTYPE n SYSTEM "file:///etc/passwd"><network name="x"/>',
        b'<!DOCTYPE n [<!ENTITY x SYSTEM "file:///etc/passwd">]><network><name>&x;</name></network>',
        b"<network name='&x;'/>",
        b"<network",
        b"<network name='x'/><network name='y'/>",
        b"\xff\xfe",
        b"",
        b"text",
        b"<?xml version='1.0' encoding='no-such'?><network name='x'/>",
        b"<network xmlns='http://example.com/other' name='x'/>",
        b"<port name='x'/>",
        b"<network/>",
        b"<network name='x' colour='red'/>",
        b"<network><name><deep/></name></network>",
        b"<network name='x'><name>y</name></network>",
        b"<network><name>x</name><name>y</name></network>",
        b"<network name='" + b"x" * 256 + b"'/>",
        b"<network>" + b"<a>" * 2000 + b"</a>" * 2000 + b"</network>",
        b"<network>" + b"<a/>" * 2000 + b"</network>",
        b"<network " + b" ".join(b"a%d='x'" % n for n in range(2000)) + b"/>",
    ],
)
def test_hostile_xml_is_refused(api: Api, body: bytes) -> None:
    before = api.everything()
    reply = api.call("POST", f"{NETWORKS}.xml", body, Content_Type="application/xml")
    assert reply.status == 400
    assert tree(reply).get("type") == "HTTPBadRequest"
    assert api.everything() == before


def test_a_body_in_no_known_form(api: Api) -> None:
    for media in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        reply = api.call("POST", NETWORKS, b'{"network": {"name": "x"}}', Content_Type=media)
        assert reply.error == (415, "HTTPUnsupportedMediaType")


scalars = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=20)
names = st.sampled_from(["id", "name", "op-status", "state"])
objects = st.dictionaries(names, scalars, min_size=1, max_size=4)


@given(objects, objects)
def test_what_is_written_is_read_again(network: dict[str, str], port: dict[str, str]) -> None:
    data = b"".join(xml.write({"network": {**network, "attachment": port}}, NAMESPACE))
    assert xml.read(data, NAMESPACE) == {"network": {**network, "attachment": port}}


@given(st.binary(max_size=200))
def test_any_bytes_are_xml_or_refused(data: bytes) -> None:
    try:
        assert isinstance(xml.read(data, NAMESPACE), dict)
    except HttpError as error:
        assert error.status == 400

"""What is wrong is refused by its name and changes nothing, for every attribute of every resource as declared."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from northbound.openapi.errors import TYPES
from northbound.resource import Attribute, May, Resource
from northbound.v2.catalogue import RESOURCES
from northbound.v2.engine import MAX_BULK

from .conftest import Api
from .samples import list_path

NOWHERE = "00000000-0000-4000-8000-000000000000"
NUL, CONTROL, DELETE, LONG = "a\0b", "a\x1bb", "a\x7f", "x" * 256
WRONG = (NUL, CONTROL, DELETE, LONG, "\ud7ff" * 256, [NUL], [CONTROL], [LONG], [{"\0": NUL}], 2**70, -(2**70), 1e300)
CREATED = [(each, name) for each in RESOURCES if each.create for name in each.attributes if May.CREATE in name.may]
PARTS = [
    "\0",
    "a\0b",
    "\n",
    "\x7f",
    "a\r\nX: y",
    LONG,
    "x" * 5000,
    "..",
    ".",
    "%",
    "*",
    "?",
    "#",
    "☃",
    "'",
    "\\",
    "port/x",
]


def ids(value: object) -> str:
    return value.name if isinstance(value, Resource | Attribute) else ""


@pytest.mark.parametrize(("resource", "attribute"), CREATED, ids=ids)
def test_every_attribute_refuses_what_it_cannot_be(api: Api, resource: Resource, attribute: Attribute) -> None:
    path = list_path(api, resource)
    before = api.everything()
    for wrong in WRONG:
        reply = api.call("POST", path, {resource.name: {attribute.name: wrong}})
        assert reply.status in (400, 404) and reply.error[1] in TYPES[reply.status], wrong
        assert attribute.name in reply.json["NeutronError"]["message"]
        assert len(reply.body) < 5000
    assert api.everything() == before


@pytest.mark.parametrize("resource", RESOURCES, ids=ids)
@pytest.mark.parametrize("part", PARTS)
def test_an_id_that_cannot_be_is_not_there(api: Api, resource: Resource, part: str) -> None:
    path = f"{list_path(api, resource)}/{quote(part, safe='')}"
    before = api.everything()
    for method, suffix, body in (
        ("GET", "", None),
        ("DELETE", "", None),
        ("PUT", "", {resource.name: {}}),
        ("GET", "/tags", None),
        ("PUT", "/tags", {"tags": []}),
        ("PUT", "/tags/a", None),
    ):
        reply = api.call(method, path + suffix, body)
        assert reply.status in (404, 405), (method, suffix, reply.body)
        assert len(reply.body) < 2000
    assert api.everything() == before


@pytest.mark.parametrize("part", ["\0", "a\0b", "\n", "\x7f", "a,b", LONG])
def test_a_tag_that_cannot_be(api: Api, part: str) -> None:
    network = api.made("network")["id"]
    before = api.everything()
    path = f"/v2.0/networks/{network}/tags"
    assert api.call("PUT", f"{path}/{quote(part, safe='')}").status == 400
    assert api.call("PUT", path, {"tags": ["fine", part]}).status == 400
    assert api.call("POST", path, {"tags": ["fine", part]}).status == 400
    assert api.call("DELETE", f"{path}/{quote(part, safe='')}").status == 404
    assert api.everything() == before


@pytest.mark.parametrize("resource", RESOURCES, ids=ids)
def test_a_query_that_cannot_be(api: Api, resource: Resource) -> None:
    path = list_path(api, resource)
    for query, status in (
        ("limit=-1", 400),
        ("limit=1e3", 400),
        ("limit=%00", 400),
        ("limit=99999999999999999999", 400),
        ("sort_key=colour", 400),
        ("sort_key=%00", 400),
        ("sort_key=id&sort_dir=up", 400),
        ("sort_key=id&sort_dir=asc&sort_dir=asc", 400),
        ("page_reverse=%00", 400),
        ("colour=red", 400),
        ("%00=%00", 400),
        (f"marker={NOWHERE}", 404),
        ("marker=%00", 404),
        ("id=%00", 200),
        ("fields=%00", 200),
        (f"id={LONG}", 200),
        ("%ff=%ff", 400),
        ("&".join(["id=a"] * 1000), 400),
    ):
        if "sort_key=id" in query and "id" not in resource.shown:
            continue
        query = query if "id" in resource.shown else query.replace("id=", "network_id=")
        assert api.call("GET", f"{path}?{query}").status == status, query


def test_the_marker_of_a_deleted_object(api: Api) -> None:
    made = [api.made("network")["id"] for _ in range(3)]
    api.call("DELETE", f"/v2.0/networks/{made[1]}")
    assert api.call("GET", f"/v2.0/networks?marker={made[1]}").error == (404, "NetworkNotFound")
    assert api.call("GET", f"/v2.0/networks?limit=1&marker={made[1]}").error == (404, "NetworkNotFound")


@pytest.mark.parametrize("value", [NUL, CONTROL, LONG, "\xff" * 300])
def test_headers_that_cannot_be(api: Api, value: str) -> None:
    network = api.made("network")["id"]
    before = api.everything()
    path, body = f"/v2.0/networks/{network}", {"network": {"name": "x"}}
    assert api.call("PUT", path, body, If_Match=value).status == 400
    assert api.call("POST", "/v2.0/networks", body, X_Project_Id=value).status == 400
    assert api.call("PUT", path, body, Content_Type=value).status == 415
    assert api.everything() == before
    assert api.call("GET", path, Accept=value, Prefer=value, X_Auth_Token=value).status == 200
    assert api.call("GET", f"/v1.1/tenants/t/networks/{network}", Accept=f"{value}xml").status == 404


@pytest.mark.parametrize("resource", [each for each in RESOURCES if each.create], ids=ids)
def test_ten_thousand_at_once_are_too_many(api: Api, resource: Resource) -> None:
    assert MAX_BULK < 10_000
    path = list_path(api, resource)
    before = api.everything()
    reply = api.call("POST", path, {resource.plural: [{}] * 10_000})
    assert reply.error == (413, "HTTPRequestEntityTooLarge")
    assert api.everything() == before


def test_an_object_that_would_be_too_large_is_refused_whatever_makes_it_so(api: Api) -> None:
    """Every text and list in it is as long as may be."""
    network = api.made("network")["id"]
    wide = "\U0001f600" * 250
    options = [{"opt_name": f"{wide}{number}", "opt_value": wide} for number in range(64)]
    before = api.everything()
    reply = api.call("POST", "/v2.0/ports", {"port": {"network_id": network, "extra_dhcp_opts": options}})
    assert reply.error == (400, "InvalidInput") and b"more than 65536" in reply.body
    assert api.everything() == before

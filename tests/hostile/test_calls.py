"""Every call of the description of the API, with the largest bodies and queries that it allows: time at n and at 4n.

The calls, their lists and their filters are taken from `/openapi.json`; a list whose items are not known here fails.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from controller.intent import default_rules
from northbound.openapi.document import document
from tests.api.conftest import Api, api, replica, store  # noqa: F401  # fixtures
from tests.api.samples import SAMPLES, named, one_of_each, those_of

from .cost import TIMES, Call, assert_linear

KEYS, VALUES, TEXT = 5_000, 20_000, 250_000  # a quarter of what is sent: of keys, values, characters
BULK = 100  # objects
ROWS = 40  # networks with a port each, where lists are asked for
FILTER, WITHIN = 49, 600  # values of a query, which has 200 at most; parts of one value
UUID = "00000000-0000-4000-8000-{:012x}".format

# The n-th item of a list of an attribute.
ITEMS: dict[str, Callable[[int], Any]] = {
    "tenet:dhcp_relay": lambda number: f"192.0.2.{number + 1}",
    "segments": lambda n: {"provider:network_type": "vxlan", "provider:segmentation_id": 1000 + n},
    "availability_zone_hints": lambda n: f"zone{n}",
    "tags": lambda n: f"tag{n}",
    "allocation_pools": lambda n: {"start": f"10.200.0.{2 * n + 1}", "end": f"10.200.0.{2 * n + 1}"},
    "dns_nameservers": lambda n: f"192.0.2.{n}",
    "host_routes": lambda n: {"destination": f"10.9.{n}.0/24", "nexthop": "10.200.0.1"},
    "service_types": lambda n: f"compute:{n}",
    "fixed_ips": lambda n: {"ip_address": f"10.200.1.{n + 2}"},
    "allowed_address_pairs": lambda n: {"ip_address": f"10.8.{n}.0/24"},
    "security_groups": lambda n: UUID(n),
    "extra_dhcp_opts": lambda n: {"opt_name": f"option-{n}", "opt_value": "x" * 200},
    "addresses": lambda n: f"12.{n}.0.0/28",
    "prefixes": lambda n: f"12.{n}.0.0/28",
    "external_fixed_ips": lambda n: {"ip_address": f"198.18.1.{n + 2}"},
    "external_gateways": lambda n: {"network_id": UUID(n)},
    "routes": lambda n: {"destination": f"10.9.{n}.0/24", "nexthop": "10.1.0.9"},
}
# What the n-th object of a bulk has beside what a sample has.
APART: dict[str, Callable[[int], dict[str, Any]]] = {
    "address_group": lambda n: {"addresses": [f"13.{n >> 8}.{n & 255}.0/24"]},
    "metering_label_rule": lambda n: {"remote_ip_prefix": f"14.{n >> 8}.{n & 255}.0/24"},
    "subnet": lambda n: {"cidr": f"11.{n >> 8}.{n & 255}.0/24"},
    "subnetpool": lambda n: {"prefixes": [f"13.{n >> 8}.{n & 255}.0/24"]},
}
# Of which a port, or an address of one, has one: a bulk of them would be about as many ports.
AT_PORTS = ("ndp_proxy", "port_association")
# What an object has that is made with a list of an attribute.
BESIDE: dict[str, dict[str, Any]] = {"allocation_pools": {"cidr": "10.200.0.0/16"}}
SCHEMAS = document()["components"]["schemas"]


def encoded(body: object) -> bytes:
    return msgspec.json.encode(body)


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].rpartition("/")[2]]
    return schema


def bodies() -> list[tuple[str, str]]:
    """Calls with a body."""
    return [(method.upper(), template) for template, methods in document()["paths"].items()
            for method, call in methods.items() if "requestBody" in call]  # fmt: skip


def lists() -> list[str]:
    """Calls with filters, but for event streams, which do not end."""
    paths = document()["paths"].items()
    return [
        template for template, methods in paths if filters(methods.get("get", {})) and template != "/tenet/v1/events"
    ]


def filters(call: dict[str, Any]) -> list[str]:
    return [each["name"] for each in call.get("parameters", ()) if each.get("in") == "query"]


def arrays(schema: dict[str, Any], within: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], int]]:
    """The lists of a body that are not objects of a bulk: (path of keys, greatest length)."""
    whole = resolved(schema)
    for kind in ("anyOf", "oneOf", "allOf"):
        for each in whole.get(kind, ()):
            yield from arrays(each, within)
    for name, each in whole.get("properties", {}).items():
        found = resolved(each)
        for one in (found, *map(resolved, found.get("anyOf", ()))):
            if one.get("type") == "array" and "maxItems" in one and one["maxItems"] < 2000:
                yield (*within, name), one["maxItems"]
        yield from arrays(found, (*within, name))


class Estate:
    """The API, and one object of each kind: those that paths and references name."""

    def __init__(self, api: Api) -> None:  # noqa: F811
        self.api = api
        self.made = one_of_each(api, 1)
        self._numbers = itertools.count(2)  # the first are of `made`
        self.roomy = self.api.made("network")["id"]
        self.api.made("subnet", network_id=self.roomy, ip_version=4, cidr="10.200.0.0/16")

    def path(self, template: str) -> str:
        kinds = {resource: made["id"] for resource, made in self.made.items() if resource in SAMPLES}
        kind = next((name for name in kinds if f"/{named(name).path}/" in template), "network")
        above = {f"{name}_id": made for name, made in kinds.items()}
        parts = {"id": kinds[kind], "network": kinds["network"], "port": kinds["port"], **above}
        return re.sub(r"\{(\w+)\}", lambda found: parts.get(found[1], "x"), template)

    def call(self, method: str, template: str, body: Callable[[], bytes], most: int = 499) -> Call:
        """The call, with a body each time that is made before it is; its status is `most` at most."""
        path, ready = self.path(template), [body() for _ in range(TIMES)]

        def call() -> None:
            reply = self.api.call(method, path, ready.pop())
            assert reply.status <= most, (method, path, reply.body[:300])

        return call

    def list(self, path: str) -> None:
        reply = self.api.call("GET", path)
        assert reply.status < 500 and b"Max number of fields" not in reply.body, (path, reply.body[:300])

    def bulk(self, name: str, size: int) -> bytes:
        return encoded({named(name).plural: [self.sample(name) for _ in range(size)]})

    def sample(self, name: str) -> dict[str, Any]:
        """Another one each time."""
        number = next(self._numbers)
        roomy = {"network_id": self.roomy} if name in ("port", "local_ip") else {}
        return SAMPLES[name](those_of(self.made), number) | APART.get(name, lambda _: {})(number) | roomy


@pytest.fixture
def estate(api: Api) -> Estate:  # noqa: F811
    return Estate(api)


def body_of(method: str, template: str) -> dict[str, Any]:
    """Its schema."""
    call = document()["paths"][template][method.lower()]
    return resolved(call["requestBody"]["content"]["application/json"]["schema"])


def root(method: str, template: str) -> str:
    """What the body of a call calls its object."""
    schema = body_of(method, template)
    names = [
        *schema.get("properties", ()),
        *(name for each in schema.get("anyOf", ()) for name in resolved(each).get("properties", ())),
    ]
    return next(iter(names), "network")


@pytest.mark.parametrize(("method", "template"), bodies())
def test_a_call_takes_linear_time(estate: Estate, method: str, template: str) -> None:
    name = root(method, template)
    shapes: dict[int, Callable[[int], object]] = {
        KEYS: lambda size: {name: {f"k{number}": number for number in range(size)}},
        VALUES: lambda size: {name: [{} for _ in range(size)]},
        TEXT: lambda size: {name: {"name": "a" * size, "id": "a" * size}},
    }
    for size, shape in shapes.items():
        assert_linear(lambda n, shape=shape: estate.call(method, template, lambda: encoded(shape(n))), size)  # type: ignore[misc]


LISTS = sorted(
    (method, template, *each) for method, template in bodies() for each in set(arrays(body_of(method, template)))
)


@pytest.mark.parametrize(("method", "template", "within", "most"), LISTS)
def test_a_list_of_an_attribute_takes_linear_time(
    estate: Estate, method: str, template: str, within: tuple[str, ...], most: int
) -> None:
    def body(size: int) -> bytes:
        items = [ITEMS[within[-1]](number) for number in range(size)]
        whole = {**estate.sample(within[0]), **BESIDE.get(within[1], {})} if made else {}
        return encoded({within[0]: {**whole, within[1]: items}} if len(within) > 1 else {within[0]: items})

    made = method == "POST" and within[0] in SAMPLES
    query = "?dry_run=true" if made else ""  # so that it can be made again
    assert_linear(lambda n: estate.call(method, template + query, lambda: body(n)), max(1, most // 4))


@pytest.mark.parametrize("name", [name for name in SAMPLES if name not in AT_PORTS])
def test_many_objects_in_one_request_take_linear_time(
    estate: Estate, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(default_rules, "MOST_TEMPLATES", 10**6)  # no bound hides how the time grows
    template = f"/v2.0/{named(name).path}"
    assert estate.api.call("POST", estate.path(template), estate.bulk(name, 10)).status == 201
    assert_linear(lambda n: estate.call("POST", template, lambda: estate.bulk(name, n), 201), BULK)


@pytest.mark.parametrize("template", lists())
def test_a_query_takes_linear_time(estate: Estate, template: str) -> None:
    for _ in range(ROWS):
        estate.api.made("port", network_id=estate.api.made("network")["id"])
    path = estate.path(template)
    for name in filters(document()["paths"][template]["get"]):
        value = {"sort_key": "name", "fields": "id"}.get(name, "")

        def sized(size: int, name: str = name, value: str = value) -> Call:
            if size in (WITHIN, 4 * WITHIN):
                query = f"{quote(name)}=" + ",".join(map(str, range(size)))
            else:
                query = "&".join(f"{quote(name)}={value or number}" for number in range(size))
            return lambda: estate.list(f"{path}?{query}")

        for size in (FILTER, WITHIN):
            assert_linear(sized, size, 2)


@pytest.mark.parametrize("version", ["v1.0", "v1.1"])
def test_xml_takes_linear_time(estate: Estate, version: str) -> None:
    template = f"/{version}/tenants/x/networks"
    whole: dict[str, Callable[[int], str]] = {
        "attributes": lambda size: "<network " + " ".join(f'a{number}="1"' for number in range(size)) + "/>",
        "elements": lambda size: "<network>" + "<a/>" * size + "</network>",
        "deep": lambda size: "<network>" + "<a>" * size + "</a>" * size + "</network>",
    }
    for made in whole.values():

        def sized(size: int, made: Callable[[int], str] = made) -> Call:
            body = made(size).encode()
            return lambda: estate.api.call("POST", template, body, Content_Type="application/xml")

        assert_linear(sized, 1_000)

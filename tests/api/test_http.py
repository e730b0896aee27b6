"""What every call has in common: discovery, paths, methods, bodies, failures, the log."""

from __future__ import annotations

import io
import logging
import re
from dataclasses import replace
from typing import Any

import pytest
from webob import Request

from controller.runtime.errors import Unavailable
from controller.store.replica import Replica
from northbound.app import application
from northbound.body import MAX_BODY
from northbound.v2.catalogue import RESOURCES

from .conftest import Api, Reply


class Untouched(io.BytesIO):
    """A body of which nothing may be read."""

    def read(self, size: int | None = -1) -> bytes:
        raise AssertionError("the body was read")


def raw(api: Api, path: str = "/v2.0/networks", method: str = "POST", **environ: Any) -> Reply:
    request = Request.blank(path, method=method)
    request.environ["CONTENT_TYPE"] = "application/json"
    request.environ.update({name.replace("__", "."): value for name, value in environ.items()})
    return Reply(request.get_response(api.app))


# --- discovery --------------------------------------------------------------------------------------------------------


def test_versions(api: Api) -> None:
    reply = api.call("GET", "/", Host="tenet.example:9696")
    assert reply.status == 200
    assert [(version["id"], version["status"]) for version in reply.json["versions"]] == [
        ("v1.0", "SUPPORTED"),
        ("v1.1", "SUPPORTED"),
        ("v2.0", "CURRENT"),
    ]
    assert reply.json["versions"][2]["links"] == [{"rel": "self", "href": "http://tenet.example:9696/v2.0/"}]


def test_without_quantum_there_is_v2_alone(api: Api) -> None:
    alone = Api(replace(api.context, quantum=False))
    assert [version["id"] for version in alone.call("GET", "/").json["versions"]] == ["v2.0"]
    assert alone.call("GET", "/v1.1/tenants/red/networks").status == 404
    assert alone.call("GET", "/v2.0/networks").status == 200
    assert not [path for path in alone.call("GET", "/openapi.json").json["paths"] if path.startswith("/v1")]
    assert [path for path in api.call("GET", "/openapi.json").json["paths"] if path.startswith("/v1.1")]


@pytest.mark.parametrize("path", ["/v2.0", "/v2.0/"])
def test_resources_of_v2(api: Api, path: str) -> None:
    resources = api.call("GET", path).json["resources"]
    assert [resource["collection"] for resource in resources] == sorted(
        each.path for each in RESOURCES if not each.parent
    )
    for resource in resources:
        assert api.call("GET", resource["links"][0]["href"].partition("localhost")[2].lstrip(":80")).status == 200


def test_extensions(api: Api) -> None:
    found = api.call("GET", "/v2.0/extensions").json["extensions"]
    assert {"provider", "net-mtu", "project-id"} <= {extension["alias"] for extension in found}
    for extension in found:
        assert api.call("GET", f"/v2.0/extensions/{extension['alias']}").json == {"extension": extension}
    assert api.call("GET", "/v2.0/extensions/none").error == (404, "ExtensionNotFound")


def test_operators(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (api.call("GET", "/healthz").status, api.call("GET", "/healthz").json) == (200, {"status": "ok"})
    metrics = api.call("GET", "/metrics")
    assert (metrics.body, metrics.headers["Content-Type"]) == (
        b"tenet_up 1\n",
        "text/plain; version=0.0.4; charset=utf-8",
    )
    assert [switch["id"] for switch in api.call("GET", "/tenet/v1/switches").json["switches"]] == ["s1"]
    assert api.call("GET", "/tenet/v1/switches/s1").json["switch"]["host"] == "h1"
    assert api.call("GET", "/tenet/v1/switches/s1/flows").json["flows"][0]["owner"] == "port/p"
    assert api.call("DELETE", "/tenet/v1/switches/s1").status == 409
    assert api.call("DELETE", "/tenet/v1/switches/s2").status == 404
    assert api.call("DELETE", "/tenet/v1/switches/s2?dry_run=true").status == 400
    for path in ("/tenet/v1/switches/s2", "/tenet/v1/switches/s2/flows"):
        reply = api.call("GET", path)
        assert reply.error == (404, "SwitchNotFound")
        assert list(reply.json) == ["TenetError"]
    assert (api.call("GET", "/readyz").status, api.call("GET", "/readyz").json) == (200, {"status": "ok"})
    monkeypatch.setattr(api.context.operators, "unready", lambda: "no store")
    unready = api.call("GET", "/readyz")
    assert (unready.status, unready.json) == (503, {"status": "unready", "reason": "no store"})
    assert api.call("GET", "/healthz").status == 200


# --- paths and methods ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["/v2.0/trunks", "/v2", "/v2.0/networks/a/b", "//v2.0/networks", "/v2.0//networks", "/v2.0/../metrics",
     "/v2.0/networks/..%2f..%2fmetrics", "/v2.0/%2e%2e/metrics", "/x", "/v1.2/tenants/t/networks", "/v2.0/networks//",
     "/v2.0/*", "/tenet", "/%00"],
)  # fmt: skip
def test_paths_that_are_not(api: Api, path: str) -> None:
    reply = api.call("GET", path)
    assert reply.error == (404, "HTTPNotFound")
    assert list(reply.json) == ["NeutronError" if path.startswith("/v2.0") else "TenetError"]


def test_a_star_in_a_path_is_a_name_as_any(api: Api) -> None:
    for path, kind in (
        ("networks/*", "NetworkNotFound"),
        ("networks/*/ports/*", "NetworkNotFound"),
        ("*", "HTTPNotFound"),
    ):
        assert api.call("GET", f"/v1.1/tenants/*/{path}").error == (404, kind)
    assert api.call("GET", "/v2.0/networks/*").error == (404, "NetworkNotFound")


def test_a_path_that_is_not_utf_8(api: Api) -> None:
    for path, root in (("/v2.0/\xff", "NeutronError"), ("/v1.1/\xff", "QuantumError"), ("/\xff", "TenetError")):
        reply = raw(api, method="GET", PATH_INFO=path)
        assert (reply.error, list(reply.json)) == ((400, "HTTPBadRequest"), [root])


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "PUT", "OPTIONS", "BREW", "get"])
def test_methods_that_are_not(api: Api, method: str) -> None:
    reply = api.call(method, "/v2.0/networks")
    assert reply.error == (405, "HTTPMethodNotAllowed")
    assert reply.headers["Allow"] == "GET, POST, HEAD"


def test_head_is_get_without_the_body(api: Api) -> None:
    reply = api.call("HEAD", "/v2.0/networks")
    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers["Content-Length"] == str(len(b'{"networks":[]}'))


def test_every_answer_has_a_request_id_of_its_own(api: Api) -> None:
    ids = [api.call("GET", path).headers["X-Openstack-Request-Id"] for path in ("/", "/x", "/v2.0/networks", "/")]
    assert len(set(ids)) == 4
    assert all(re.fullmatch("req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", each) for each in ids)


# --- bodies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"nope", b"[]", b"null", b"1", b'"network"', b"{}", b'{"network": []}', b'{"network": null}',
     b'{"networks": {}}', b'{"network": {}, "x": 1}', b'{"network": {"name": NaN}}', b'{"network": {"name": "\xff"}}',
     b'{"network": {"name": "\\ud800"}}', b'{"network": {"mtu": 1e999}}', b"[" * 100_000, b'{"network":' * 50_000,
     b'{"network": {"name": ' + b"9" * 5000 + b"}}", b"\xef\xbb\xbf{}", b"\0" * 10],
)  # fmt: skip
def test_bodies_that_are_not(api: Api, body: bytes) -> None:
    before = api.everything()
    assert api.call("POST", "/v2.0/networks", body).error == (400, "HTTPBadRequest")
    assert api.everything() == before


@pytest.mark.parametrize(
    "body",
    [b'{"network": {"name": "a", "name": "b"}}', b'{"network": {"name": "a"}, "network": {}}',
     b'{"networks": [{}, {"name": "a", "n\\u0061me": "a"}]}', b'[{"name": 1, "name": 1}]',
     b'{"network": {"name": "::", "name": "a"}}', b'{"network": {"name": "a", "name": "::"}}',
     b'{"network": {"name": "a", "name": "\\u003a"}}'],
)  # fmt: skip
def test_a_key_that_is_there_twice_is_refused_by_its_name(api: Api, body: bytes) -> None:
    before = api.everything()
    reply = api.call("POST", "/v2.0/networks", body)
    assert reply.error == (400, "HTTPBadRequest")
    assert re.search(r"the key 'n\w+' is there twice", reply.json["NeutronError"]["message"])
    assert api.call("POST", "/v1.1/tenants/t/networks", body).error == (400, "HTTPBadRequest")
    assert api.everything() == before


@pytest.mark.parametrize("length", [MAX_BODY + 1, 10 * 2**20, 10**40])
def test_a_body_that_is_too_large_is_refused_unread(api: Api, length: int) -> None:
    for path in ("/v2.0/networks", "/v1.1/tenants/t/networks"):
        reply = raw(api, path, CONTENT_LENGTH=str(length), wsgi__input=Untouched())
        assert reply.error == (413, "HTTPRequestEntityTooLarge")
        assert reply.headers["Connection"] == "close"


@pytest.mark.parametrize("length", ["-1", "x", "1.5", "+1", "0x10", "²"])
def test_a_length_that_is_none(api: Api, length: str) -> None:
    assert raw(api, CONTENT_LENGTH=length, wsgi__input=Untouched()).error == (400, "HTTPBadRequest")


def test_a_body_of_unknown_length_or_cut_short(api: Api) -> None:
    reply = raw(api, HTTP_TRANSFER_ENCODING="chunked", wsgi__input=Untouched())
    assert reply.error == (411, "HTTPLengthRequired")
    reply = raw(api, CONTENT_LENGTH="100", wsgi__input=io.BytesIO(b'{"network": {}}'))
    assert reply.error == (400, "HTTPBadRequest")


@pytest.mark.parametrize("given", ["text/plain", "application/xml", "application/x-www-form-urlencoded", ""])
def test_a_body_that_a_browser_may_send_anywhere_is_refused(api: Api, given: str) -> None:
    reply = api.call("POST", "/v2.0/networks", {"network": {}}, Content_Type=given)
    assert reply.error == (415, "HTTPUnsupportedMediaType")
    reply = api.call("POST", "/v2.0/networks", {"network": {}}, Content_Type="Application/JSON; charset=UTF-8")
    assert reply.status == 201


# --- failures ---------------------------------------------------------------------------------------------------------


class Failing:
    """A store that refuses every commit in one way."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def commit(self, read: object, write: object) -> int:
        raise self.error


@pytest.mark.parametrize("path", ["/v2.0/networks", "/v1.1/tenants/t/networks"])
def test_a_store_that_cannot_now(api: Api, replica: Replica, path: str) -> None:
    context = api.context
    broken = Api(replace(context, store=Failing(Unavailable("disk full"))))  # type: ignore[arg-type]
    reply = broken.call("POST", path, {"network": {"name": "x"}})
    assert reply.error == (503, "ServiceUnavailable")
    assert reply.headers["Retry-After"] == "1"
    assert b"disk" not in reply.body


def test_a_fault_of_ours_is_logged_and_not_told(api: Api, replica: Replica, caplog: pytest.LogCaptureFixture) -> None:
    context = api.context
    broken = Api(replace(context, store=Failing(KeyError("secret"))))  # type: ignore[arg-type]
    with caplog.at_level(logging.INFO, "tenet.api"):
        reply = broken.call("POST", "/v2.0/networks", {"network": {}})
    assert reply.error == (500, "HTTPInternalServerError")
    assert b"secret" not in reply.body
    assert b"Traceback" not in reply.body
    assert "secret" in caplog.text
    assert reply.headers["X-Openstack-Request-Id"] in caplog.text


# --- the log ----------------------------------------------------------------------------------------------------------


def test_a_write_is_one_line_and_a_read_is_none(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "tenet.audit"):
        reply = api.call("POST", "/v2.0/networks", {"network": {}})
        api.call("GET", "/v2.0/networks")
        api.call("DELETE", "/v2.0/networks/x%0ay")
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2
    revision = api.context.replica.model.revision
    request_id = reply.headers["X-Openstack-Request-Id"]
    assert re.fullmatch(
        rf"POST /v2.0/networks status=201 ms=[\d.]+ revision={revision} request={request_id} from=\S+ project=default "
        rf"user=- roles=admin,manager,member,reader objects=\+network/{reply.json['network']['id']}",
        lines[0],
    )
    assert "\n" not in lines[1]
    assert "status=404" in lines[1]


def test_applications_share_nothing(api: Api) -> None:
    assert application(api.context) is not application(api.context)

"""What OpenStack's clients send beside what its API's definition says."""

from __future__ import annotations

from pathlib import Path

from webob import Request

from controller.store.replica import Replica
from controller.store.store import Store
from tests.api.conftest import Api
from tests.api.tenants import Cloud


def test_a_body_without_a_type_is_json_from_whoever_shows_a_token(
    tmp_path: Path, store: Store, replica: Replica, api: Api
) -> None:
    member = Cloud(tmp_path, store, replica).person("red", "member")
    for app, token, status in ((member.app, member.token, 201), (api.app, "", 415)):
        request = Request.blank("/v2.0/networks", method="POST", body=b'{"network": {}}')
        request.content_type = "text/plain"  # which is what the server says where the client says nothing
        if token:
            request.headers["X-Auth-Token"] = token
        assert request.get_response(app).status_int == status


def test_objects_of_a_bulk_may_be_named_each(api: Api) -> None:
    reply = api.call("POST", "/v2.0/networks", {"networks": [{"network": {"name": "a"}}, {"name": "b"}]})
    assert (reply.status, [each["name"] for each in reply.json["networks"]]) == (201, ["a", "b"])
    assert api.call("POST", "/v2.0/networks", {"networks": [{"network": 1}]}).status == 400


def test_a_project_reads_its_own_quota(tmp_path: Path, store: Store, replica: Replica) -> None:
    reader = Cloud(tmp_path, store, replica).person("red", "reader")
    assert reader.call("GET", "/v2.0/quotas/red").status == 200
    assert reader.call("GET", "/v2.0/quotas/blue").status == 404

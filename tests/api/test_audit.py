"""Every write is in the audit log: who, what, from where, which request, which revision."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from controller.store.replica import Replica
from controller.store.store import Store

from .conftest import Api
from .tenants import Cloud


@pytest.fixture
def cloud(tmp_path: Path, store: Store, replica: Replica) -> Cloud:
    return Cloud(tmp_path, store, replica)


def audited(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name == "tenet.audit"]


def fields(line: str) -> dict[str, str]:
    return dict(word.partition("=")[::2] for word in line.split(" ") if "=" in word)


def test_what_is_written_and_by_whom(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    red = cloud.person("red", "member")
    with caplog.at_level(logging.INFO, "tenet.audit"):
        made = red.call("POST", "/v2.0/networks", {"network": {}}, REMOTE_ADDR="ignored")
        network = made.json["network"]
        red.call("GET", f"/v2.0/networks/{network['id']}")
        changed = red.call("PUT", f"/v2.0/networks/{network['id']}", {"network": {"name": "n"}})
        red.call("DELETE", f"/v2.0/networks/{network['id']}")
    assert len(audited(caplog)) == 3
    lines = [record.getMessage() for record in audited(caplog)]
    assert [line.partition(" ms=")[0] for line in lines] == [
        "POST /v2.0/networks status=201",
        f"PUT /v2.0/networks/{network['id']} status=200",
        f"DELETE /v2.0/networks/{network['id']} status=204",
    ]
    said = [fields(line) for line in lines]
    assert [each["objects"] for each in said] == [f"{sign}network/{network['id']}" for sign in "+~-"]
    assert {(each["project"], each["user"], each["roles"]) for each in said} == {("red", "member@red", "member,reader")}
    assert said[0]["request"] == made.headers["X-Openstack-Request-Id"]
    last = red.context.replica.model.revision
    assert changed.status == 200
    assert [int(each["revision"]) for each in said] == [last - 2, last - 1, last]
    assert red.token not in caplog.text


def test_a_read_that_makes_the_default_group_is_a_line_and_the_next_is_none(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    red = cloud.person("red", "reader")
    with caplog.at_level(logging.INFO, "tenet.audit"):
        (group,) = red.call("GET", "/v2.0/security-groups").json["security_groups"]
        red.call("GET", "/v2.0/security-groups")
    (line,) = [record.getMessage() for record in caplog.records if record.name == "tenet.audit"]
    assert line.startswith("GET /v2.0/security-groups status=200") and f"+security_group/{group['id']}" in line


def test_what_is_refused_is_there_too(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    reader = cloud.person("red", "reader")
    with caplog.at_level(logging.INFO, "tenet.audit"):
        Api(cloud.context).call("POST", "/v2.0/networks", {"network": {}})
        reader.call("POST", "/v2.0/networks", {"network": {}})
    said = [fields(record.getMessage()) for record in audited(caplog)]
    assert [(each["status"], each["user"], each["objects"]) for each in said] == [
        ("401", "-", "-"),
        ("403", "reader@red", "-"),
    ]


def test_nobody_writes_fields_of_ours(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    red = cloud.person("red user=root\nx", "member")
    with caplog.at_level(logging.INFO, "tenet.audit"):
        red.call("DELETE", "/v2.0/networks/x%20user=root%0astatus=204")
    (line,) = [record.getMessage() for record in audited(caplog)]
    assert "\n" not in line
    assert line.count(" user=") == 1 and line.count(" status=") == 1
    assert fields(line)["status"] == "404"


def test_a_bulk_write_is_one_line_of_a_bounded_length(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    red = cloud.person("red", "member")
    with caplog.at_level(logging.INFO, "tenet.audit"):
        assert red.call("POST", "/v2.0/networks", {"networks": [{}] * 150}).status == 201
    (line,) = [record.getMessage() for record in audited(caplog)]
    assert line.endswith(",...(150)") and line.count("+network/") == 100

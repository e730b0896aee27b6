"""Which ports a log covers."""

from __future__ import annotations

import pytest

from controller.model.rows import Log, Port


def port(project: str, *groups: str) -> Port:
    return Port(id="p", project_id=project, network_id="n", mac_address="fa:16:3e:00:00:01", security_groups=groups)


def log(**fields: object) -> Log:
    return Log(**({"id": "l", "project_id": "red", "resource_type": "security_group"} | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "project", "covers"),
    [
        ({}, "red", True), ({}, "blue", False), ({"by_operator": True}, "blue", False),
        ({"enabled": False}, "red", False),
        ({"resource_id": "g"}, "red", True), ({"resource_id": "h"}, "red", False),
        ({"resource_id": "g"}, "blue", False), ({"resource_id": "g", "by_operator": True}, "blue", True),
        ({"resource_id": "h", "by_operator": True}, "blue", False),
        ({"target_id": "p"}, "red", True), ({"target_id": "q"}, "red", False), ({"target_id": "p"}, "blue", False),
        ({"target_id": "p", "by_operator": True}, "blue", True), ({"target_id": "p", "resource_id": "h"}, "red", False),
    ],
)  # fmt: skip
def test_a_log_covers_its_projects_ports_and_the_operators_also_those_that_it_names(
    fields: dict[str, object], project: str, covers: bool
) -> None:
    assert log(**fields).covers(port(project, "f", "g")) is covers


def test_a_port_without_a_filter_is_in_no_group() -> None:
    bare = Port(id="p", project_id="red", network_id="n", mac_address="fa:16:3e:00:00:01")
    assert bare.security_groups is None and not log(resource_id="g").covers(bare) and log().covers(bare)


def test_logs_of_a_whole_project_are_found_by_it() -> None:
    assert log().whole_project == "red" and log(resource_id="g").whole_project == log(target_id="p").whole_project == ""

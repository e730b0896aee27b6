"""An operator's rules about seeing may look at each object: one answer, one list, one event is judged by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.store.replica import Replica
from controller.store.store import Store
from northbound.enforce import Rules, referred

from .tenants import Cloud, Person

OPEN = "field:network:name=~^open"


@pytest.fixture
def attribute(tmp_path: Path, store: Store, replica: Replica) -> Person:
    return Cloud(tmp_path, store, replica, policy=f'"get_network:mtu": "{OPEN}"\n').person("red", "member")


def test_an_attribute_is_shown_of_those_objects_whose_rule_holds(attribute: Person) -> None:
    shut, opened = attribute.made("network", name="shut"), attribute.made("network", name="open")
    assert "mtu" not in shut and "mtu" in opened  # in the answer to a POST
    listed = {each["name"]: each for each in attribute.call("GET", "/v2.0/networks").json["networks"]}
    assert "mtu" not in listed["shut"] and "mtu" in listed["open"]
    assert "mtu" not in attribute.call("GET", f"/v2.0/networks/{shut['id']}").json["network"]
    assert "mtu" in attribute.call("GET", f"/v2.0/networks/{opened['id']}").json["network"]
    renamed = attribute.call("PUT", f"/v2.0/networks/{shut['id']}", {"network": {"name": "opened"}})
    assert "mtu" in renamed.json["network"]


def test_what_is_hidden_of_some_is_filtered_by_of_none(attribute: Person) -> None:
    attribute.made("network", name="open")
    for query in ("mtu=1450", "sort_key=mtu"):
        assert attribute.call("GET", f"/v2.0/networks?{query}").status == 400


def test_a_dry_run_judges_the_object_as_it_would_be(attribute: Person) -> None:
    for name in ("shut", "open"):
        told = attribute.call("POST", "/v2.0/networks?dry_run=true", {"network": {"name": name}}).json
        assert [("mtu" in each["network"]) for each in told["objects"]] == [name == "open"]


@pytest.mark.parametrize("names", [("open-1", "shut", "open-2")])
def test_an_object_is_there_for_those_whose_rule_holds(
    tmp_path: Path, store: Store, replica: Replica, names: tuple[str, ...]
) -> None:
    cloud = Cloud(tmp_path, store, replica, policy=f'"get_network": "rule:admin_only or {OPEN}"\n')
    operator, member = cloud.person("ops", "admin"), cloud.person("red", "member")
    made = {name: operator.made("network", name=name, project_id="red")["id"] for name in names}
    listed = member.call("GET", "/v2.0/networks?sort_key=name").json["networks"]
    assert [each["name"] for each in listed] == ["open-1", "open-2"]
    assert {name: member.call("GET", f"/v2.0/networks/{row_id}").status for name, row_id in made.items()} == {
        "open-1": 200, "shut": 404, "open-2": 200,
    }  # fmt: skip
    page = member.call("GET", "/v2.0/networks?sort_key=name&limit=1&marker=" + made["open-1"]).json["networks"]
    assert [each["name"] for each in page] == ["open-2"]
    assert len(operator.call("GET", "/v2.0/networks").json["networks"]) == 3


@pytest.mark.parametrize(
    ("text", "judged"),
    [
        ("", set()),
        ('"create_network": "role:netops"\n', set()),
        ('"get_network:mtu": "rule:admin_only"\n', set()),  # the same for every object
        (f'"get_network:mtu": "{OPEN}"\n', {"network"}),
        ('"get_port:binding:host_id": "rule:network_owner"\n', {"port"}),
        ('"shared": "field:networks:shared=True and role:member"\n', {"network", "subnet"}),  # by a name they refer to
    ],
)
def test_objects_are_judged_one_by_one_only_where_a_file_makes_it_so(
    tmp_path: Path, text: str, judged: set[str]
) -> None:
    """A list of a thousand ports must not pay for what nobody asked for."""
    (tmp_path / "policy.yaml").write_text(text)
    (tmp_path / "tenet.conf").write_text(f"[oslo_policy]\npolicy_file = {tmp_path}/policy.yaml\n")
    rules = Rules([str(tmp_path / "tenet.conf")])
    assert {each for each in ("network", "subnet", "port", "subnetpool") if rules.judges(each)} == judged


def test_what_a_rule_refers_to(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text('"mine": "not rule:owner or (rule:shared and rule:mine2)"\n"mine2": "@"\n')
    (tmp_path / "tenet.conf").write_text(f"[oslo_policy]\npolicy_file = {tmp_path}/policy.yaml\n")
    rules = Rules([str(tmp_path / "tenet.conf")])
    assert referred(rules._enforcer.rules, "mine") == {"mine", "owner", "shared", "mine2"}

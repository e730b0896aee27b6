"""What every object has: description, times, revision, tags; and requests that name the revision they mean."""

from __future__ import annotations

from typing import Any

import pytest

from controller.intent.standard import MOST_TAGS

from .conftest import Api
from .samples import creatable, one_of_each, those_of
from .samples import path as path_of

TAGGED = [each for each in creatable() if each.tagged]


@pytest.fixture(params=TAGGED, ids=[each.name for each in TAGGED])
def made(request: pytest.FixtureRequest, api: Api) -> tuple[str, dict[str, Any]]:
    """The path of an object and what it was when it was made; one of every resource with tags."""
    found = one_of_each(api, 1, request.param.name)
    row = found[request.param.name]
    return f"{path_of(request.param, those_of(found))}/{row['id']}", row


def now(api: Api, path: str) -> dict[str, Any]:
    (found,) = api.call("GET", path).json.values()
    return dict(found)


def body(path: str, **attributes: object) -> dict[str, object]:
    collection = path.split("/")[-2]
    return {next(each.name for each in TAGGED if each.path.endswith(collection)): attributes}


def test_descriptions_change_and_with_them_time_and_revision(api: Api, made: tuple[str, dict[str, Any]]) -> None:
    path, first = made
    assert first["description"] in ("", "n1") and first["updated_at"] == first["created_at"]
    (after,) = api.call("PUT", path, body(path, description="ä")).json.values()
    assert after["description"] == "ä"
    assert after["revision_number"] > first["revision_number"]
    assert api.call("PUT", path, body(path, description="x" * 256)).error == (400, "HTTPBadRequest")
    (again,) = api.call("PUT", path, body(path, description="ä")).json.values()
    assert again["revision_number"] == after["revision_number"]  # nothing changed


def test_tags_one_by_one(api: Api, made: tuple[str, dict[str, Any]]) -> None:
    path, _ = made
    assert api.call("GET", f"{path}/tags/red").error == (404, "TagNotFound")
    assert api.call("PUT", f"{path}/tags/red").status == 201
    assert api.call("PUT", f"{path}/tags/red").status == 201
    assert api.call("GET", f"{path}/tags/red").status == 204
    assert api.call("GET", f"{path}/tags").json == {"tags": ["red"]}
    assert now(api, path)["tags"] == ["red"]
    assert api.call("DELETE", f"{path}/tags/blue").error == (404, "TagNotFound")
    assert api.call("DELETE", f"{path}/tags/red").status == 204
    assert now(api, path)["tags"] == []


def test_tags_all_at_once(api: Api, made: tuple[str, dict[str, Any]]) -> None:
    path, _ = made
    assert api.call("PUT", f"{path}/tags", {"tags": ["b", "a"]}).json == {"tags": ["a", "b"]}
    assert api.call("POST", f"{path}/tags", {"tags": ["c", "a"]}).status == 201
    assert now(api, path)["tags"] == ["a", "b", "c"]
    assert api.call("PUT", f"{path}/tags", {"tags": []}).json == {"tags": []}
    api.call("PUT", f"{path}/tags", {"tags": ["x"]})
    assert api.call("DELETE", f"{path}/tags").status == 204
    assert now(api, path)["tags"] == []


@pytest.mark.parametrize("wrong", [{}, [], {"tags": "x"}, {"tags": [1]}, {"tags": [""]}, {"tags": ["a,b"]},
                                   {"tags": ["a", "a"]}, {"tags": ["x" * 256]}, {"tags": ["a"], "more": 1},
                                   {"tags": [f"t{n}" for n in range(65)]}])  # fmt: skip
def test_tags_that_cannot_be(api: Api, wrong: object) -> None:
    path = f"/v2.0/networks/{api.made('network')['id']}"
    assert api.call("PUT", f"{path}/tags", wrong).error == (400, "HTTPBadRequest")
    assert now(api, path)["tags"] == []


def test_there_is_an_end_to_tags(api: Api) -> None:
    path = f"/v2.0/networks/{api.made('network')['id']}"
    api.call("PUT", f"{path}/tags", {"tags": [f"t{n}" for n in range(MOST_TAGS)]})
    assert api.call("PUT", f"{path}/tags/more").error == (400, "InvalidInput")
    assert api.call("PUT", f"{path}/tags/%00").error == (400, "HTTPBadRequest")


def test_lists_are_filtered_by_tags(api: Api) -> None:
    for name, tags in (("none", []), ("red", ["red"]), ("both", ["blue", "red"]), ("blue", ["blue"])):
        network = api.made("network", name=name)
        api.call("PUT", f"/v2.0/networks/{network['id']}/tags", {"tags": tags})
    for query, wanted in (
        ("tags=red", ["both", "red"]),
        ("tags=red,blue", ["both"]),
        ("tags=red&tags=blue", ["both"]),
        ("tags-any=red,blue", ["blue", "both", "red"]),
        ("not-tags=red,blue", ["blue", "none", "red"]),
        ("not-tags-any=red,blue", ["none"]),
        ("tags=red&not-tags=blue", ["red"]),
    ):
        found = api.call("GET", f"/v2.0/networks?{query}").json["networks"]
        assert sorted(network["name"] for network in found) == wanted, query


def test_lists_are_filtered_by_when_they_changed(api: Api) -> None:
    made = api.made("network")
    for since, count in ((made["updated_at"], 1), ("2099-01-01T00:00:00Z", 0), ("2000-01-01T00:00:00%2B02:00", 1)):
        found = api.call("GET", f"/v2.0/networks?changed_since={since}").json["networks"]
        assert len(found) == count, since


def test_a_write_may_name_the_revision_that_it_is_about(api: Api, made: tuple[str, dict[str, Any]]) -> None:
    path, _ = made
    current = f"revision_number={now(api, path)['revision_number']}"
    assert api.call("PUT", path, body(path, description="n"), If_Match=current).status == 200
    for method in ("PUT", "DELETE"):
        sent = body(path, description="m") if method == "PUT" else None
        refused = api.call(method, path, sent, If_Match=current)
        assert refused.error == (412, "RevisionNumberConstraintFailed")
    assert api.call("PUT", f"{path}/tags/red", If_Match=current).status == 412
    assert now(api, path)["description"] == "n"
    assert api.call("PUT", path, body(path, description="m"), If_Match='"abc"').error == (400, "HTTPBadRequest")
    assert api.call("DELETE", path, If_Match=f"revision_number={now(api, path)['revision_number']}").status == 204


def test_a_network_changes_with_its_subnets(api: Api) -> None:
    network = api.made("network")
    path = f"/v2.0/networks/{network['id']}"
    seen = [network["revision_number"]]
    subnet = api.made("subnet", network_id=network["id"], ip_version=4, cidr="10.0.0.0/24")
    seen.append(now(api, path)["revision_number"])
    api.call("PUT", f"/v2.0/subnets/{subnet['id']}", {"subnet": {"name": "s"}})
    seen.append(now(api, path)["revision_number"])
    api.call("DELETE", f"/v2.0/subnets/{subnet['id']}")
    seen.append(now(api, path)["revision_number"])
    assert seen == sorted(set(seen))


def test_a_revision_counts_the_writes_of_its_object_alone(api: Api, made: tuple[str, dict[str, Any]]) -> None:
    path, _ = made
    seen = [now(api, path)["revision_number"]]
    for name in "abc":
        api.made("network", name=name)  # another's
        api.call("PUT", path, body(path, description=name))
        seen.append(now(api, path)["revision_number"])
    assert seen == [seen[0] + number for number in range(4)]
    assert seen[0] <= 2  # one that is shared as it is made may be written once more

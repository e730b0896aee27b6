"""OpenAPI paths of a declared resource."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .. import structures
from ..resource import MemberAction, Resource
from ..schema import BOOLEAN, TEXTS, WHOLE, Schema, closed, either
from ..schema import SHOWN_TEXT as TEXT
from ..schema import of as of_check
from ..v2.engine import MAX_BULK
from ..v2.filters import TAGS
from . import errors
from .resources import has_order, named, ref, several

Call = dict[str, Any]
ROOT = "NeutronError"


def parameter(name: str, schema: Schema, about: str, where: str = "query", *, required: bool = False) -> dict[str, Any]:
    required = required or where == "path"
    return {"name": name, "in": where, "required": required, "schema": schema, "description": about}


def json(schema: Schema) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def answer(status: int, about: str, schema: Schema | None = None) -> dict[str, Any]:
    return {str(status): {"description": about, **(json(schema) if schema is not None else {})}}


def call(
    tag: str, name: str, summary: str, answers: dict[str, Any], refusals: Iterable[int], *,
    parameters: Sequence[dict[str, Any]] = (), body: Schema | None = None, root: str = ROOT,
) -> Call:  # fmt: skip
    found: Call = {"tags": [tag], "operationId": name, "summary": summary}
    if parameters:
        found["parameters"] = list(parameters)
    if body is not None:
        found["requestBody"] = {"required": True, **json(body)}
    return found | {"responses": answers | errors.of(root, refusals)}


ID = parameter("id", TEXT, "The object's id.", "path")
DRY = parameter("dry_run", BOOLEAN, "Say what the call would do, and do nothing.")
MATCH = parameter(
    "If-Match",
    {"anyOf": [{"const": "*"}, {"type": "string", "pattern": "^revision_number=[0-9]{1,18}$"}]},
    "Only if the object has this revision still: revision_number=N.",
    "header",
)
FIELDS = parameter("fields", TEXTS, "Only these attributes.")
PAGING = (
    parameter("limit", WHOLE, "At most so many objects; 0 for all."),
    parameter("marker", TEXT, "Begin after the object with this id."),
    parameter("page_reverse", {"enum": ["true", "false", "True", "False", "1", "0"]}, "End before the marker instead."),
    parameter(
        "sort_dir", {"type": "array", "items": either("asc", "desc")}, "The direction of each sort_key: as many."
    ),
)


def of(resource: Resource) -> dict[str, dict[str, Call]]:
    """{path: {method: call}} of the resource, of its actions and of its tags."""
    path = f"/v2.0/{resource.path}"
    found = {path: _collection(resource), f"{path}/{{id}}": _member(resource)}
    found |= {f"{path}/{{id}}/{action.name}": _action(resource, action) for action in resource.actions}
    if resource.tagged:
        found |= _tags(resource, path)
    for calls in found.values():
        for each in calls.values():
            each["parameters"] = [*_outer(resource), *each.get("parameters", ())]
    return found


def _outer(resource: Resource) -> list[dict[str, Any]]:
    """The ids of what the resource is below."""
    parent = resource.parent
    if parent is None:
        return []
    return [*_outer(parent), parameter(f"{parent.name}_id", TEXT, f"The {parent.name} that it is a part of.", "path")]


def _action(resource: Resource, action: MemberAction) -> dict[str, Call]:
    shape = action.shape if action.shape is not None else _wrapped(resource.name, ref(resource))
    return {"put": call(resource.plural, action.name, f"{action.summary}.", or_plan("As it is now.", shape),
                        errors.CONDITIONAL, parameters=(ID, MATCH, DRY), body=action.body)}  # fmt: skip


def _collection(resource: Resource) -> dict[str, Call]:
    name, plural = named(resource), resource.plural
    listed = {"type": "object", "required": [plural], "properties": {
        plural: {"type": "array", "items": ref(resource)},
        f"{plural}_links": {"type": "array", "items": {"$ref": "#/components/schemas/Link"}}}}  # fmt: skip
    calls = {"get": call(plural, f"list{name}", f"List {plural}: those that the caller sees.",
                         answer(200, "The list.", listed), errors.READ,
                         parameters=(*_filters(resource), FIELDS, _sort_key(resource), *PAGING))}  # fmt: skip
    if resource.create:
        one = closed({resource.name: ref(resource, "Create")}, resource.name)
        many = closed({plural: several(ref(resource, "Create"), MAX_BULK)}, plural)
        made = {"oneOf": [_wrapped(resource.name, ref(resource)), _wrapped(plural, several(ref(resource), MAX_BULK))]}
        answers = answer(201, "As it was made.", made)
        answers["201"]["links"] = _links(resource)
        calls["post"] = call(plural, f"create{name}", f"Create one object, or many {plural}: all of them or none.",
                             answers | dry(), errors.WRITE, parameters=(DRY,),
                             body={"oneOf": [one, many]})  # fmt: skip
    return calls


def _member(resource: Resource) -> dict[str, Call]:
    name, plural = named(resource), resource.plural
    whole = _wrapped(resource.name, ref(resource))
    calls = {"get": call(plural, f"show{name}", "Show one object.", answer(200, "The object.", whole), errors.READ,
                         parameters=(ID, FIELDS))}  # fmt: skip
    if resource.update:
        calls["put"] = call(plural, f"update{name}", "Change one object.", or_plan("As it is now.", whole),
                            errors.CONDITIONAL, parameters=(ID, MATCH, DRY),
                            body=closed({resource.name: ref(resource, "Update")}, resource.name))  # fmt: skip
    if resource.delete:
        calls["delete"] = call(plural, f"delete{name}", "Delete one object.", answer(204, "It is gone.") | dry(),
                               errors.CONDITIONAL, parameters=(ID, MATCH, DRY))  # fmt: skip
    elif resource.forget:
        calls["delete"] = call(plural, f"delete{name}", "Forget what is gone for good.", answer(204, "Forgotten."),
                               errors.WRITE, parameters=(ID,))  # fmt: skip
    return calls


def dry() -> dict[str, Any]:
    return answer(200, "With dry_run: what the call would do.", {"$ref": "#/components/schemas/Plan"})


def or_plan(about: str, schema: Schema) -> dict[str, Any]:
    """Of a change that answers 200 when it is done, too."""
    plan = {"$ref": "#/components/schemas/Plan"}
    return answer(200, f"{about}  With dry_run: what the call would do.", {"anyOf": [schema, plan]})


def _links(resource: Resource) -> dict[str, Any]:
    """What can be done next with the one object that was made."""
    name = named(resource)
    calls = [f"show{name}", *([f"update{name}"] if resource.update else ()),
             *([f"delete{name}"] if resource.delete else ()),
             *([f"replace{name}Tags", f"list{name}Tags"] if resource.tagged else ())]  # fmt: skip
    made = {"id": f"$response.body#/{resource.name}/id"}
    outer = {each["name"]: f"$request.path.{each['name']}" for each in _outer(resource)}
    return {each: {"operationId": each, "parameters": outer | made} for each in calls}


def _sort_key(resource: Resource) -> dict[str, Any]:
    names = [each.name for each in resource.attributes if each.show and has_order(each)]
    return parameter("sort_key", {"type": "array", "items": either(*names)}, "Sort by these attributes.")


def _filters(resource: Resource) -> list[dict[str, Any]]:
    names = [each.name for each in resource.attributes if each.show and each.name not in TAGS]
    names += [*resource.filters, *(TAGS if resource.tagged else ())]
    return [parameter(name, TEXTS, "Only objects for which this holds; of several values, any.") for name in names]


def _wrapped(name: str, schema: Schema) -> Schema:
    return {"type": "object", "properties": {name: schema}, "required": [name]}


def _tags(resource: Resource, path: str) -> dict[str, dict[str, Call]]:
    name, plural = named(resource), resource.plural
    body = {"$ref": "#/components/schemas/Tags"}
    tag = parameter("tag", of_check(structures.tag), "The tag.", "path")

    def one(method: str, about: str, answers: dict[str, Any], *more: dict[str, Any], takes: bool = False) -> Call:
        which = f"{method}{name}Tag{'' if more else 's'}"
        refusals = errors.READ if method in ("list", "has") else errors.CONDITIONAL
        parameters = (ID, *more, *(() if method in ("list", "has") else (MATCH, DRY)))
        return call(plural, which, about, answers, refusals, parameters=parameters, body=body if takes else None)

    return {
        f"{path}/{{id}}/tags": {
            "get": one("list", "List the tags.", answer(200, "The tags.", body)),
            "put": one("replace", "Set all the tags.", or_plan("The tags.", body), takes=True),
            "post": one("add", "Add several tags.", answer(201, "Added.") | dry(), takes=True),
            "delete": one("clear", "Remove all the tags.", answer(204, "Removed.") | dry()),
        },
        f"{path}/{{id}}/tags/{{tag}}": {
            "get": one("has", "Whether the tag is there.", answer(204, "It is."), tag),
            "put": one("add", "Add one tag.", answer(201, "Added.") | dry(), tag),
            "delete": one("remove", "Remove one tag.", answer(204, "Removed.") | dry(), tag),
        },
    }

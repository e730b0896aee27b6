"""OpenAPI schemas of a declared resource: as it is shown, created and updated."""

from __future__ import annotations

from ..resource import Attribute, May, Resource
from ..schema import Schema, array, of


def shown(resource: Resource) -> Schema:
    """Any of it may be missing: by `fields`, or where the policy hides it."""
    properties = {each.name: _shown(each) for each in resource.attributes if each.show}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _shown(attribute: Attribute) -> Schema:
    found = attribute.shown_as
    return {**found, "readOnly": True} if attribute.may is May.NOTHING else found


def has_order(attribute: Attribute) -> bool:
    """Whether lists can be sorted by it: it is no list and no dictionary."""
    found = _shown(attribute)
    return all(each.get("type") not in ("array", "object") for each in (found, *found.get("anyOf", ())))


def taken(resource: Resource, may: May) -> Schema:
    """The object that a POST (`may` CREATE) or a PUT (UPDATE) takes."""
    properties = {each.name: of(each.check) for each in resource.attributes if may in each.may and each.check}
    required = [each.name for each in resource.attributes if each.required and may is May.CREATE]
    found: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return found | {"required": required} if required else found


def named(resource: Resource) -> str:
    return "".join(part.capitalize() for part in resource.name.split("_"))


def schemas(resource: Resource) -> dict[str, Schema]:
    """For `components`: Port, PortCreate, PortUpdate."""
    found = {named(resource): shown(resource)}
    if resource.create:
        found[f"{named(resource)}Create"] = taken(resource, May.CREATE)
    if resource.update:
        found[f"{named(resource)}Update"] = taken(resource, May.UPDATE)
    return found


def ref(resource: Resource, suffix: str = "") -> Schema:
    return {"$ref": f"#/components/schemas/{named(resource)}{suffix}"}


def several(schema: Schema, most: int) -> Schema:
    return {**array(schema, most), "minItems": 1}

"""Schemas of a declared resource: as it is shown, as it is made, as it is changed."""

from __future__ import annotations

from .. import checks
from ..resource import Attribute, May, Resource
from ..schema import Schema, array, either, of, or_null

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer", "minimum": 0}
BOOLEAN: Schema = {"type": "boolean"}
TEXTS: Schema = {"type": "array", "items": TEXT}
OBJECT: Schema = {"type": "object"}
UUID: Schema = of(checks.uuid)

# Of attributes that nobody sets there is no check to say what they are; others are shown otherwise than taken.
SHOWN: dict[str, Schema] = {
    "id": TEXT, "status": either("ACTIVE", "BUILD", "DOWN", "ERROR"), "tenet:status_reason": TEXT,
    "tenet:mtu_reason": TEXT,
    "subnets": {"type": "array", "items": UUID}, "revision_number": WHOLE, "tags": TEXTS, "mtu": WHOLE,
    "created_at": or_null(TEXT), "updated_at": TEXT, "started_at": or_null(TEXT), "description": or_null(TEXT),
    "heartbeat_timestamp": or_null(TEXT), "resources_synced": {"type": ["boolean", "null"]},
    "host": TEXT, "agent_type": TEXT, "binary": TEXT, "topic": TEXT, "availability_zone": TEXT, "alive": BOOLEAN,
    "configurations": OBJECT, "network_id": UUID, "network_name": TEXT, "total_ips": WHOLE, "used_ips": WHOLE,
    "subnet_ip_availability": {"type": "array", "items": OBJECT}, "ip_version": either(4, 6), "shared": BOOLEAN,
    "availability_zones": TEXTS, "ipv4_address_scope": or_null(UUID), "ipv6_address_scope": or_null(UUID),
    "binding:vif_type": either("ovs", "unbound"), "binding:vif_details": OBJECT, "binding:profile": OBJECT,
    "binding:host_id": TEXT, "mac_address": TEXT, "default_prefixlen": TEXT, "min_prefixlen": TEXT,
    "max_prefixlen": TEXT, "provider:physical_network": {"type": "null"}, "project_id": TEXT, "tenant_id": TEXT,
}  # fmt: skip


def shown(resource: Resource) -> Schema:
    """Any of it may be missing: by `fields`, or where the policy hides it."""
    properties = {each.name: _shown(each) for each in resource.attributes if each.show}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _shown(attribute: Attribute) -> Schema:
    found = SHOWN.get(attribute.name)
    if found is None:
        found = of(attribute.check) if attribute.check else {}
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

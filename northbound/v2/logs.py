"""Logs of v2.0, as declared, and the kinds of objects that can be logged."""

from __future__ import annotations

from controller.intent import logs
from controller.model.rows import Log

from .. import schema
from ..answer import Response, as_json
from ..ask import Ask
from ..checks import Fault, boolean, one_of, shown, text, uuid
from ..resource import Extension, May, Resource, attribute
from ..rules import MANAGER, Access
from ..structures import nullable
from .common import IDENTITY, OWNED, STANDARD, optional


@schema.takes(schema.either(*logs.RESOURCE_TYPES))
def resource_type(value: object) -> str:
    """What decides about packets."""
    if text(value) not in logs.RESOURCE_TYPES:
        raise Fault(f"{shown(value)} is not one of {', '.join(logs.RESOURCE_TYPES)}", "InvalidLogResourceType")
    return text(value)


LOGS = Resource(
    name="log",
    plural="logs",
    path="log/logs",
    kind=Log,
    not_found="LogResourceNotFound",
    attributes=(
        *IDENTITY,
        attribute("resource_type", resource_type, May.CREATE, required=True),
        optional("resource_id", nullable(uuid, ""), May.CREATE),
        optional("target_id", nullable(uuid, ""), May.CREATE),
        attribute("event", one_of(*logs.EVENTS), May.CREATE),
        attribute("enabled", boolean, May.SET),
        *STANDARD,
    ),
    access=Access(MANAGER, MANAGER, MANAGER, MANAGER),
    create=logs.create,
    update=logs.update,
    delete=logs.delete,
    index={**OWNED, "name": "name", "resource_id": "resource_id", "target_id": "target_id"},
    extensions=(
        Extension("logging", "Logging API Extension", "2017-01-01T10:00:00-00:00",
                  "Provides a logging API for resources such as security group and firewall."),
    ),
)  # fmt: skip


def loggable_resources(ask: Ask) -> Response:
    """Kinds of objects whose decisions can be logged."""
    mine = {"project_id": ask.caller.project_id, "tenant_id": ask.caller.project_id}
    ask.context.policy.check(ask.caller, "get_loggable_resource", mine)
    return as_json(200, {"loggable_resources": [{"type": each} for each in logs.RESOURCE_TYPES]})

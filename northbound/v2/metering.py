"""Metering labels of v2.0 and their rules, as declared."""

from __future__ import annotations

import ipaddress

from controller.intent import metering
from controller.model.rows import MeteringLabel, MeteringLabelRule

from .. import schema
from ..checks import CIDR, Fault, boolean, one_of, optional_text, shown, text, uuid
from ..resource import Attribute, Extension, May, Resource, attribute
from ..rules import ADMIN, CREATE, MANAGER, READER, Access, of_attributes
from ..schema import SHOWN_TEXT, or_null
from ..structures import prefix
from .common import CREATED, OWNED, OWNER, UUID, optional

MAKERS = Access(create=MANAGER, get=READER, delete=MANAGER)

METERING_LABELS = Resource(
    name="metering_label",
    plural="metering_labels",
    path="metering/metering-labels",
    kind=MeteringLabel,
    not_found="MeteringLabelNotFound",
    attributes=(
        attribute("id"),
        attribute("name", text, May.CREATE),
        *OWNER,
        attribute("shared", boolean, May.CREATE, usual=False),
        attribute("description", optional_text, May.CREATE, shape=SHOWN_TEXT),
        *CREATED,
    ),
    # a shared label counts what all projects send
    access=MAKERS._replace(attributes=of_attributes(((CREATE,), "shared", ADMIN))),
    create=metering.create,
    delete=metering.delete,
    index={**OWNED, "name": "name"},
    extensions=(Extension("metering", "Neutron Metering", "2013-06-12T10:00:00-00:00", "Neutron Metering extension."),),
)


@schema.takes(or_null({"anyOf": [CIDR, schema.of(optional_text)]}))
def ip_prefix(value: object) -> str:
    """A subnet, or one address; "" for null."""
    if value is None or value == "":
        return ""
    try:
        return prefix(value if isinstance(value, str) and "/" in value else str(ipaddress.ip_network(str(value))))
    except (Fault, ValueError):
        raise Fault(f"{shown(value)} is not a valid IP prefix", "Invalid") from None


def _prefix(name: str) -> Attribute:
    return optional(name, ip_prefix, May.CREATE, shape=or_null(SHOWN_TEXT))


METERING_LABEL_RULES = Resource(
    name="metering_label_rule",
    plural="metering_label_rules",
    path="metering/metering-label-rules",
    kind=MeteringLabelRule,
    not_found="MeteringLabelRuleNotFound",
    attributes=(
        attribute("id"),
        *OWNER,
        attribute("metering_label_id", uuid, May.CREATE, required=True, shape=UUID),
        attribute("direction", one_of(*metering.DIRECTIONS), May.CREATE, required=True),
        attribute("excluded", boolean, May.CREATE),
        _prefix("remote_ip_prefix"),
        _prefix("source_ip_prefix"),
        _prefix("destination_ip_prefix"),
    ),
    access=MAKERS,
    create=metering.create_rule,
    delete=metering.delete_rule,
    index={**OWNED, "metering_label_id": "metering_label_id"},
    extensions=(
        Extension("metering_source_and_destination_fields",
                  "Neutron Metering with source and destination filtering", "2020-08-21T08:12:00-00:00",
                  "Neutron Metering extension that enables the use of source and destination IP prefixes to create "
                  "metering label rules."),
    ),
)  # fmt: skip

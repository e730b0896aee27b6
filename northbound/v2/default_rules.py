"""Default security group rules of v2.0, as declared."""

from __future__ import annotations

from controller.intent import default_rules
from controller.model.rows import DefaultSecurityGroupRule

from .. import schema
from ..checks import boolean, one_of, optional_text, uuid
from ..resource import Extension, May, Resource, Seed, attribute
from ..rule_checks import ethertype, ip_prefix, port, protocol
from ..rules import ADMIN, Access
from ..schema import SHOWN_TEXT, either, or_null
from ..structures import nullable
from .common import NO_OWNER, UUID, optional

SHOWN_PORT = or_null({"type": "integer", "minimum": 0})
_REMOTE = {"anyOf": [UUID, {"const": default_rules.PARENT}]}


@schema.takes(_REMOTE)
def remote_group(value: object) -> str:
    """A security group, or the word for the group that gets the rule."""
    return default_rules.PARENT if value == default_rules.PARENT else str(uuid(value))


DEFAULT_RULES = Resource(
    name="default_security_group_rule",
    plural="default_security_group_rules",
    path="default-security-group-rules",
    kind=DefaultSecurityGroupRule,
    not_found="DefaultSecurityGroupRuleNotFound",
    attributes=(
        attribute("id"),
        *NO_OWNER,
        attribute("description", optional_text, May.CREATE, shape=SHOWN_TEXT),
        optional("remote_group_id", nullable(remote_group, ""), May.CREATE, shape=or_null(_REMOTE)),
        optional("remote_address_group_id", nullable(uuid, ""), May.CREATE, shape=or_null(UUID)),
        attribute("direction", one_of("ingress", "egress"), May.CREATE, required=True),
        optional("protocol", protocol, May.CREATE, shape=or_null(SHOWN_TEXT)),
        attribute("port_range_min", port, May.CREATE, shape=SHOWN_PORT),
        attribute("port_range_max", port, May.CREATE, shape=SHOWN_PORT),
        attribute("ethertype", ethertype, May.CREATE, shape=either("IPv4", "IPv6")),
        optional("remote_ip_prefix", ip_prefix, May.CREATE, shape=or_null(SHOWN_TEXT)),
        attribute("used_in_default_sg", boolean, May.CREATE),
        attribute("used_in_non_default_sg", boolean, May.CREATE),
    ),
    access=Access(create=ADMIN, get="role:reader", delete=ADMIN),
    create=default_rules.create,
    delete=default_rules.delete,
    seed=Seed(default_rules.seeded, default_rules.seed),
    extensions=(
        Extension("security-groups-default-rules", "Default rules for security groups", "2022-12-19T10:00:00-00:00",
                  "Configure set of security group rules used as default rules for every new security group"),
    ),
)  # fmt: skip

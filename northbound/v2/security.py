"""Security groups of v2.0 and their rules, as declared."""

from __future__ import annotations

from controller.intent import security_groups, security_rules
from controller.model.rows import SecurityGroup, SecurityGroupRule

from ..checks import boolean, one_of, optional_text, uuid
from ..resource import Attribute, Extension, May, Resource, ResourceView, Seed, attribute
from ..rule_checks import ethertype, ip_prefix, port, protocol, remote_group
from ..rules import ADMIN, MEMBER, READER, Access, any_of
from ..schema import BOOLEAN, SHOWN_TEXT, either, or_null
from ..structures import nullable
from .common import CREATED, IDENTITY, OWNED, OWNER, STANDARD, UUID, optional, shared, tagged

GROUP_MEMBER = any_of(ADMIN, "role:member and rule:sg_owner")
GROUP_READER = any_of(READER, "role:reader and rule:sg_owner", "role:reader and rule:shared_security_group")
DEFAULTS = Seed(security_groups.has_default, security_groups.default)
RULE = {"$ref": "#/components/schemas/SecurityGroupRule"}
SHOWN_PORT = or_null({"type": "integer", "minimum": 0})


def _of_default(view: ResourceView, rule: SecurityGroupRule) -> bool:
    group = view.model.get(SecurityGroup, rule.security_group_id)
    return group is not None and group.default


SECURITY_GROUP_RULES = Resource(
    name="security_group_rule",
    plural="security_group_rules",
    path="security-group-rules",
    kind=SecurityGroupRule,
    not_found="SecurityGroupRuleNotFound",
    attributes=(
        attribute("id"),
        *OWNER,
        attribute("security_group_id", uuid, May.CREATE, required=True, shape=UUID),
        attribute("direction", one_of("ingress", "egress"), May.CREATE, required=True),
        attribute("ethertype", ethertype, May.CREATE, shape=either("IPv4", "IPv6")),
        optional("protocol", protocol, May.CREATE, shape=or_null(SHOWN_TEXT)),
        attribute("port_range_min", port, May.CREATE, shape=SHOWN_PORT),
        attribute("port_range_max", port, May.CREATE, shape=SHOWN_PORT),
        optional("remote_ip_prefix", ip_prefix, May.CREATE, shape=or_null(SHOWN_TEXT)),
        optional("normalized_cidr", shape=or_null(SHOWN_TEXT)),
        optional("remote_group_id", remote_group, May.CREATE, shape=or_null(UUID)),
        optional("remote_address_group_id", nullable(uuid, ""), May.CREATE, shape=or_null(UUID)),
        Attribute("belongs_to_default_sg", _of_default, shape=BOOLEAN),
        attribute("description", optional_text, May.CREATE, shape=SHOWN_TEXT),
        *CREATED,
    ),
    access=Access(create=GROUP_MEMBER, get=GROUP_READER, delete=GROUP_MEMBER),
    create=security_rules.create,
    delete=security_rules.delete,
    index={
        **OWNED, "security_group_id": "security_group_id", "remote_group_id": "remote_group_id",
        "remote_address_group_id": "remote_address_group_id",
    },
    seed=DEFAULTS,
    extensions=(
        Extension("security-groups-normalized-cidr", "Normalized CIDR field for security group rules",
                  "2020-07-28T10:00:00-00:00", "Add new field with normalized remote_ip_prefix cidr in SG rule"),
        Extension("security-groups-remote-address-group", "Remote address group id field for security group rules",
                  "2020-08-25T10:00:00-00:00", "Add new field of remote address group id in SG rules"),
        Extension("security-groups-rules-belongs-to-default-sg",
                  "Security group rule belongs to the project's default security group", "2023-05-23T10:00:00-00:00",
                  "Flag to determine if the security group rule belongs to the project's default security group"),
    ),
)  # fmt: skip


def _rules(view: ResourceView, group: SecurityGroup) -> list[dict[str, object]]:
    rows = view.model.find(SecurityGroupRule, "security_group_id", group.id)
    return [SECURITY_GROUP_RULES.show(view, row) for row in rows]


SECURITY_GROUPS = Resource(
    name="security_group",
    plural="security_groups",
    path="security-groups",
    kind=SecurityGroup,
    not_found="SecurityGroupNotFound",
    attributes=(
        *IDENTITY,
        attribute("stateful", boolean, May.SET),
        shared(May.NOTHING, boolean),
        Attribute("security_group_rules", _rules, shape={"type": "array", "items": RULE}),
        tagged(),
        *STANDARD,
    ),
    access=Access(get=any_of(READER, "role:reader and rule:shared_security_group"), create=MEMBER),
    create=security_groups.create,
    update=security_groups.update,
    delete=security_groups.delete,
    index={**OWNED, "name": "name"},
    tagged=True,
    seed=DEFAULTS,
    extensions=(
        Extension("rbac-security-groups", "Add security_group type to network RBAC", "2019-02-14T00:00:00-00:00",
                  "Add security_group type to network RBAC"),
        Extension("security-group", "security-group", "2012-10-05T10:00:00-00:00", "The security groups extension."),
        Extension("security-groups-shared-filtering", "Security group filtering on the shared field",
                  "2021-10-05T09:00:00-00:00", "Support filtering security groups on the shared field"),
        Extension("stateful-security-group", "Stateful security group", "2019-11-26T09:00:00-00:00",
                  "Indicates if the security group is stateful or not"),
    ),
)  # fmt: skip

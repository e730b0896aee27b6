"""Rules of policy: the words in which resources and calls declare who may do what by default.

They are oslo.policy's expressions, over OpenStack's personas: *admin* is the operator; a project's *member* uses it,
its *reader* reads; *service* is for other services of the cloud.  Whoever owns a network has a say over what is on it.
Whether an object can be seen at all is asked before any of this (`controller.intent.visibility`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from oslo_policy.policy import DocumentedRuleDefault, Operation, RuleDefault

from .field import RequestField

__all__ = ["NAMED", "Access", "AttributeRule", "RequestField", "any_of", "documented", "of_attributes", "rule"]
# with Field, for the rules are parsed as they are declared

ADMIN = "rule:admin_only"
SERVICE = "rule:service_api"
PROJECT_MEMBER = "role:member and project_id:%(project_id)s"
PROJECT_READER = "role:reader and project_id:%(project_id)s"
MEMBER = f"({ADMIN}) or ({PROJECT_MEMBER})"
READER = f"({ADMIN}) or ({PROJECT_READER})"
MANAGER = f"({ADMIN}) or (role:manager and project_id:%(project_id)s)"
NETWORK_MEMBER = f"({ADMIN}) or (role:member and rule:network_owner)"
NETWORK_READER = "role:reader and rule:network_owner"
SHARED = "role:reader and rule:shared"


def any_of(*rules: str) -> str:
    return " or ".join(f"({rule})" for rule in rules)


NAMED = (
    RuleDefault("context_is_admin", "role:admin", "Who is the operator"),
    RuleDefault("admin_only", "rule:context_is_admin", "The operator"),
    RuleDefault("service_api", "role:service", "Other services of the cloud"),
    RuleDefault("owner", "project_id:%(project_id)s", "Whose project the object is of"),
    RuleDefault("admin_or_owner", any_of("rule:context_is_admin", "rule:owner"), "The operator, or the owner"),
    RuleDefault("network_owner", "project_id:%(network:project_id)s", "Whose project the object's network is of"),
    RuleDefault("admin_or_network_owner", any_of("rule:context_is_admin", "rule:network_owner"),
                "The operator, or the owner of the object's network"),
    RuleDefault("sg_owner", "project_id:%(security_group:project_id)s",
                "Whose project the rule's security group is of"),
    RuleDefault("admin_or_sg_owner", any_of("rule:context_is_admin", "rule:sg_owner"),
                "The operator, or the owner of the rule's security group"),
    RuleDefault("admin_owner_or_sg_owner", any_of("rule:owner", "rule:admin_or_sg_owner"),
                "The operator, or the owner of the rule or of its security group"),
    RuleDefault("shared_security_group", "field:security_groups:shared=True", "A security group that is shared"),
    RuleDefault("rule_default_sg", "field:security_group_rules:belongs_to_default_sg=True",
                "A rule of a project's default security group"),
    RuleDefault("regular_user", "role:reader", "Anybody with a role in a project"),
    RuleDefault("shared", "field:networks:shared=True", "On a network that is shared with the caller"),
    RuleDefault("external", "field:networks:router:external=True", "A network that routers may use as their way out"),
    RuleDefault("shared_subnetpools", "field:subnetpools:shared=True", "A subnet pool that is shared"),
    RuleDefault("shared_address_scopes", "field:address_scopes:shared=True", "An address scope that is shared"),
    RuleDefault("shared_address_groups", "field:address_groups:shared=True", "An address group that is shared"),
    RuleDefault("network_device", "field:port:device_owner=~^network:", "A port of the network's own services"),
    RuleDefault("default", MEMBER, "What has no rule of its own"),
)  # fmt: skip

CREATE, GET, UPDATE, DELETE = "create", "get", "update", "delete"
WRITE = (CREATE, UPDATE)
ALWAYS = (CREATE, GET, UPDATE)
METHODS = {CREATE: "POST", GET: "GET", UPDATE: "PUT", DELETE: "DELETE"}


class AttributeRule(NamedTuple):
    """Who may say (CREATE, UPDATE) or see (GET) an attribute, beside who may do so with the object.

    `name` of a part of the attribute's values: `fixed_ips:ip_address`.
    """

    operations: tuple[str, ...]
    name: str
    check: str


class Access(NamedTuple):
    """Who may do what with the objects of a resource by default; what it cannot do is not asked for."""

    create: str = MEMBER
    get: str = READER
    update: str = MEMBER
    delete: str = MEMBER
    attributes: tuple[AttributeRule, ...] = ()


def of_attributes(*rules: tuple[tuple[str, ...], str, str]) -> tuple[AttributeRule, ...]:
    return tuple(AttributeRule(*rule) for rule in rules)


def documented(path: str, name: str, access: Access, operations: Iterable[str]) -> Iterator[RuleDefault]:
    """The rules of a resource at `path` that has these operations."""
    for operation in operations:
        check: str = getattr(access, operation)
        yield _rule(path, f"{operation}_{name}", check, f"{operation.capitalize()} a {name}", operation)
    for which, attribute, check in access.attributes:
        for operation in which:
            said = "See" if operation == GET else "Say"
            yield _rule(path, f"{operation}_{name}:{attribute}", check, f"{said} `{attribute}` of a {name}", operation)


def _rule(path: str, name: str, check: str, description: str, operation: str) -> RuleDefault:
    paths = {CREATE: (path,), GET: (path, path + "/{id}"), UPDATE: (path + "/{id}",), DELETE: (path + "/{id}",)}
    return rule(name, check, description, *((METHODS[operation], each) for each in paths[operation]))


def rule(name: str, check: str, description: str, *calls: tuple[str, str]) -> RuleDefault:
    """`calls`: method and path of each that asks for it."""
    operations: list[Operation] = [{"method": method, "path": path} for method, path in calls]
    return DocumentedRuleDefault(name, check, description, operations)

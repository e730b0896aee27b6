"""Rules of default security group rules, and the rules that a new group gets from them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from controller.intent.env import Means
from controller.model.model import Model
from controller.model.rows import (
    AddressGroup,
    DefaultSecurityGroupRule,
    SecurityGroup,
    SecurityGroupRule,
    Seeded,
    Standard,
)
from controller.runtime.errors import Conflict, Invalid, NotFound
from controller.store.transaction import Transaction

from . import address_groups, security_rules, standard
from .security_rules import RuleRequest

PARENT = "PARENT"  # as a remote group: the group that gets the rule
MOST_TEMPLATES = 100  # each new group gets as many rules
SEEDED = "default-security-group-rules"
_KNOWN, _MADE = "default rules", "default rules made"  # kept for the next objects of a bulk request
NOT_OF_RULES = ("used_in_default_sg", "used_in_non_default_sg")
_OF_BOTH = {*SecurityGroupRule.__struct_fields__} & {*DefaultSecurityGroupRule.__struct_fields__}
_MATCHING = sorted(_OF_BOTH - {*Standard.__struct_fields__})  # fields that say which packets a rule is about
# What a store begins with, as upstream: egress to everybody, and ingress from the default group itself.
BUILT_IN = tuple(
    {
        "direction": direction,
        "ethertype": version,
        "remote_group_id": remote,
        "used_in_default_sg": True,
        "used_in_non_default_sg": not remote,
        "description": f"Legacy default SG rule for {direction} traffic",
    }
    for direction, remote in (("egress", ""), ("ingress", PARENT))
    for version in ("IPv4", "IPv6")
)


class TemplateRequest(RuleRequest, total=False):
    """Requested attributes of a template: those of a rule without a group, and which groups get it."""

    used_in_default_sg: bool
    used_in_non_default_sg: bool


def seeded(model: Model, project_id: str = "") -> bool:
    """Whether the store has been given the built-in templates.  They are of no project."""
    return model.get(Seeded, SEEDED) is not None


def seed(tx: Transaction, project_id: str, means: Means) -> None:
    """Give the store the built-in templates when it has never had them: it is new, or of a former version."""
    if tx.get(Seeded, SEEDED) is not None:
        return
    tx.put(Seeded(id=SEEDED))
    for request in BUILT_IN:
        _put(tx, _row(request, means))


def create(tx: Transaction, project_id: str, request: TemplateRequest, means: Means) -> DefaultSecurityGroupRule:
    """Add a template.  Raises Conflict for one that says what another says for the same groups."""
    seed(tx, project_id, means)
    row = _row(request, means)
    _check_remotes(tx, row)
    known = _known(tx)
    for said in _sayings(row):
        other = known.setdefault(said, row.id)
        if other != row.id:
            raise Conflict(
                f"Default Security group rule already exists. Rule id is {other}.", "DefaultSecurityGroupRuleExists"
            )
    _put(tx, row)
    if tx.model.count(DefaultSecurityGroupRule, "public", True) + tx.memo[_MADE] > MOST_TEMPLATES:
        raise Invalid(f"Invalid input for operation: there are {MOST_TEMPLATES} default rules, and may be no more.")
    return row


def delete(tx: Transaction, row_id: str, means: Means) -> None:
    row = tx.get(DefaultSecurityGroupRule, row_id)
    if row is None:
        raise NotFound(
            f"Default Security Group rule {row_id[:64]} does not exist.", "DefaultSecurityGroupRuleNotFound"
        )  # fmt: skip
    tx.release(f"default-rule/{row_id}")
    tx.delete(row)


def rules_for(tx: Transaction, group: SecurityGroup, means: Means) -> list[dict[str, Any]]:
    """Fields of the rules that a new group begins with, PARENT replaced by its id.

    A template whose remote group or address group is gone is passed over.
    """
    seed(tx, group.project_id, means)
    rows = (row for row in _all(tx) if (row.used_in_default_sg if group.default else row.used_in_non_default_sg))
    return [_fields(row, group.id) for row in rows if _has_remotes(tx, row)]


def _all(tx: Transaction) -> list[DefaultSecurityGroupRule]:
    tx.guard("default-rule")
    return tx.find(DefaultSecurityGroupRule, "public", True)


def _put(tx: Transaction, row: DefaultSecurityGroupRule) -> None:
    tx.reserve(f"default-rule/{row.id}", row)
    tx.put(row)
    tx.memo[_MADE] = tx.memo.get(_MADE, 0) + 1


def _row(request: TemplateRequest | dict[str, Any], means: Means) -> DefaultSecurityGroupRule:
    common = standard.fields("", request, means)
    which = {name: request[name] for name in NOT_OF_RULES if name in request}  # type: ignore[literal-required]
    return DefaultSecurityGroupRule(**common, **security_rules.matching(request), **which)


def _fields(row: DefaultSecurityGroupRule, parent_id: str) -> dict[str, Any]:
    """The fields of a rule in the group `parent_id`, but for its identity."""
    fields = {name: getattr(row, name) for name in _MATCHING}
    return fields | {"remote_group_id": parent_id} if row.remote_group_id == PARENT else fields


def _known(tx: Transaction) -> dict[tuple[object, ...], str]:
    """What each template says, for each sort of group that gets it -> its id."""
    if _KNOWN not in tx.memo:
        tx.memo[_KNOWN] = {said: row.id for row in _all(tx) for said in _sayings(row)}
    found: dict[tuple[object, ...], str] = tx.memo[_KNOWN]
    return found


def _sayings(row: DefaultSecurityGroupRule) -> list[tuple[object, ...]]:
    """Keys of which no other template may have one: some group would get the same rule twice."""
    rule = SecurityGroupRule(id=row.id, project_id="", security_group_id="", **_fields(row, PARENT))
    return [(name, *security_rules.key(rule)) for name in NOT_OF_RULES if getattr(row, name)]


def _has_remotes(tx: Transaction, row: DefaultSecurityGroupRule) -> bool:
    return not any(_missing(tx, row))


def _check_remotes(tx: Transaction, row: DefaultSecurityGroupRule) -> None:
    """Raises NotFound for a remote group or address group that does not exist."""
    for missing in _missing(tx, row):
        raise missing


def _missing(tx: Transaction, row: DefaultSecurityGroupRule) -> Iterator[NotFound]:
    """An error for each group that a template names and that does not exist."""
    group_id, addresses_id = row.remote_group_id, row.remote_address_group_id
    if group_id not in ("", PARENT) and tx.get(SecurityGroup, group_id) is None:
        yield security_rules.missing_group(group_id)
    if addresses_id and tx.get(AddressGroup, addresses_id) is None:
        yield address_groups.missing(addresses_id)

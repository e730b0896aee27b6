"""Rules of security group rules: what they may say, in canonical form, and no two that say the same."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from controller.intent.env import Means
from controller.model import protocols
from controller.model.rows import AddressGroup, SecurityGroup, SecurityGroupRule
from controller.runtime.errors import Conflict, Invalid, NotFound
from controller.store.transaction import Transaction

from . import address_groups, standard, visibility
from .standard import StandardRequest

FIRST_PORT, LAST_PORT = 1, 65_535
LAST_ICMP = 255  # types and codes have 8 bits (RFC 792)
ANYWHERE = ("0.0.0.0/0", "::/0", "")
MOST_REMOTES = 500  # address sets that the rules of one group name: a flow names them all, and has 64 KiB at most
REMOTES = ("remote_ip_prefix", "remote_group_id", "remote_address_group_id")


class RuleRequest(StandardRequest, total=False):
    """Requested attributes of a rule; missing keys were not given.  Values are in the form of the row's fields."""

    security_group_id: str
    direction: str
    ethertype: str
    protocol: str
    port_range_min: int | None
    port_range_max: int | None
    remote_ip_prefix: str
    remote_group_id: str
    remote_address_group_id: str


def missing_group(group_id: str) -> NotFound:
    return NotFound(f"Security group {group_id[:64]} does not exist.", "SecurityGroupNotFound")


def missing(rule_id: str) -> NotFound:
    return NotFound(f"Security group rule {rule_id[:64]} does not exist.", "SecurityGroupRuleNotFound")


# --- create and delete ------------------------------------------------------------------------------------------------


def create(tx: Transaction, project_id: str, request: RuleRequest, means: Means) -> SecurityGroupRule:
    """Add a rule to a group.  All rules of one request are of one group and one project."""
    group_id = request["security_group_id"]
    _check_bulk(tx, group_id, project_id)
    fields = matching(request)
    _check_remotes(tx, fields, means)
    group = visibility.required(tx, SecurityGroup, group_id, means, missing_group(group_id))
    row = SecurityGroupRule(**standard.fields(project_id, request, means), security_group_id=group.id, **fields)
    known = _known(tx, group.id)
    there = known.setdefault(key(row), row.id)
    if there != row.id:
        if tx.model.get(SecurityGroupRule, there) is None:
            raise Conflict("Duplicate Security Group Rule in POST.", "DuplicateSecurityGroupRuleInPost")
        raise Conflict(f"Security group rule already exists. Rule id is {there}.", "SecurityGroupRuleExists")
    _check_most_remotes(tx, row)
    put(tx, row)
    _touch(tx, group.id, means)
    return row


def put(tx: Transaction, row: SecurityGroupRule) -> None:
    """Write a new rule with its reservations."""
    tx.reserve(f"rule/{row.security_group_id}/{row.id}", row)
    for remote in (row.remote_group_id, row.remote_address_group_id):
        if remote:
            tx.reserve(f"remote/{remote}/{row.id}", row)
    tx.put(row)


def delete(tx: Transaction, rule_id: str, means: Means) -> None:
    row = tx.get(SecurityGroupRule, rule_id)
    if row is None:
        raise missing(rule_id)
    remove(tx, row)
    _touch(tx, row.security_group_id, means)


def remove(tx: Transaction, row: SecurityGroupRule) -> None:
    """Delete a rule and release its reservations."""
    tx.release(f"rule/{row.security_group_id}/{row.id}")
    for remote in (row.remote_group_id, row.remote_address_group_id):
        if remote:
            tx.release(f"remote/{remote}/{row.id}")
    tx.delete(row)


def remove_naming(tx: Transaction, group: SecurityGroup, means: Means) -> None:
    """Delete the rules of all groups that name this one as their remote: it is about to go, as upstream does it."""
    tx.guard(f"remote/{group.id}")
    for row in tx.find(SecurityGroupRule, "remote_group_id", group.id):
        remove(tx, row)
        if row.security_group_id != group.id:
            _touch(tx, row.security_group_id, means)


def _touch(tx: Transaction, group_id: str, means: Means) -> None:
    """Raise the revision of a rule's group, once a transaction.

    Every change of a group's rules writes the group, so that of two at once the second sees what the first wrote.
    """
    if ("touched", group_id) in tx.memo:
        return
    group = tx.get(SecurityGroup, group_id)
    if group is not None:
        standard.touch(tx, group, means)
        tx.memo["touched", group_id] = True


def _check_bulk(tx: Transaction, group_id: str, project_id: str) -> None:
    first_group, first_project = tx.memo.setdefault("rules of", (group_id, project_id))
    if group_id != first_group:
        raise Invalid("Only the rules of one security group can be made at a time.", "SecurityGroupNotSingleGroupRules")
    if project_id != first_project:
        raise Invalid("Rules of several projects cannot be made at a time.", "SecurityGroupRulesNotSingleProject")


def _check_remotes(tx: Transaction, fields: Mapping[str, Any], means: Means) -> None:
    group_id, addresses_id = fields["remote_group_id"], fields["remote_address_group_id"]
    if group_id:
        visibility.required(tx, SecurityGroup, group_id, means, missing_group(group_id))
    if addresses_id:
        visibility.required(tx, AddressGroup, addresses_id, means, address_groups.missing(addresses_id))


def _known(tx: Transaction, group_id: str) -> dict[tuple[object, ...], str]:
    """What each rule of a group says -> its id; read once for all rules of a request."""
    name = "rules", group_id
    if name not in tx.memo:
        tx.memo[name] = {key(row): row.id for row in tx.model.find(SecurityGroupRule, "security_group_id", group_id)}
    found: dict[tuple[object, ...], str] = tx.memo[name]
    return found


def _check_most_remotes(tx: Transaction, row: SecurityGroupRule) -> None:
    """Raises Conflict where the rule names one more security group or address group than a group's rules can."""
    remote = row.remote_group_id or row.remote_address_group_id
    name = "remotes", row.security_group_id
    if name not in tx.memo:
        there = tx.model.find(SecurityGroupRule, "security_group_id", row.security_group_id)
        tx.memo[name] = {one.remote_group_id or one.remote_address_group_id for one in there} - {""}
    named: set[str] = tx.memo[name]
    if remote and remote not in named:
        if len(named) >= MOST_REMOTES:
            raise Conflict(
                f"The rules of a security group can name {MOST_REMOTES} security groups and address groups.",
                "SecurityGroupTooManyRemotes",
            )
        named.add(remote)


def key(row: SecurityGroupRule) -> tuple[object, ...]:
    """What a rule says: two with the same key are duplicates."""
    prefix = "" if row.remote_ip_prefix in ANYWHERE else row.remote_ip_prefix
    return (row.direction, row.ethertype, protocols.number(row.protocol), row.port_range_min, row.port_range_max,
            prefix, row.remote_group_id, row.remote_address_group_id)  # fmt: skip


# --- what a rule may say ----------------------------------------------------------------------------------------------


def matching(request: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a rule that say which packets it is about, in canonical form.  Raises Invalid.

    Also for templates of default rules, which have the same fields.
    """
    fields: dict[str, Any] = {
        "direction": request["direction"],
        "ethertype": request.get("ethertype") or "IPv4",
        "protocol": request.get("protocol") or "",
        "port_range_min": request.get("port_range_min"),
        "port_range_max": request.get("port_range_max"),
        **{name: request.get(name) or "" for name in REMOTES},
    }
    fields["protocol"] = _canonical(fields["protocol"], fields["ethertype"])
    if (fields["port_range_min"], fields["port_range_max"]) == (FIRST_PORT, LAST_PORT):
        fields["port_range_min"] = fields["port_range_max"] = None
    _check_range(fields["protocol"], fields["port_range_min"], fields["port_range_max"])
    fields["normalized_cidr"] = _normalized(fields["remote_ip_prefix"], fields["ethertype"])
    if fields["ethertype"] == "IPv4" and protocols.number(fields["protocol"]) in protocols.IPV6_ONLY:
        raise Invalid(
            f"Invalid ethertype IPv4 for protocol {fields['protocol']}.", "SecurityGroupEthertypeConflictWithProtocol"
        )
    if sum(bool(fields[name]) for name in REMOTES) > 1:
        raise Invalid(f"Only one of {', '.join(REMOTES)} may be given.", "SecurityGroupMultipleRemoteEntites")
    return fields


def _canonical(protocol: str, ethertype: str) -> str:
    """ICMP of IPv6 under its own name or number: `icmp`, `icmpv6` and 1 are taken for it, too."""
    if ethertype == "IPv6" and protocol in ("icmp", "icmpv6"):
        return "ipv6-icmp"
    if ethertype == "IPv6" and protocol == str(protocols.ICMP):
        return str(protocols.ICMPV6)
    return protocol


def _check_range(protocol: str, first: int | None, last: int | None) -> None:
    """Raises Invalid for ports that the protocol does not have, and types and codes that ICMP does not have."""
    if first is None and last is None:
        return
    number = protocols.number(protocol)
    if number is None:
        raise Invalid("A port range needs a protocol.", "SecurityGroupProtocolRequiredWithPorts")
    if number in protocols.PORT_NUMBERS:
        if 0 in (first, last):
            raise Invalid("Invalid value for port 0.", "SecurityGroupInvalidPortValue")
        if first is None or last is None or first > last:
            # Tempest asks for the words up to the comma
            message = f"port_range_min must be <= port_range_max, and a range needs both: not {first} and {last}."
            raise Invalid(message, "SecurityGroupInvalidPortRange")
    elif number in protocols.ICMP_NUMBERS:
        for name, field, value in (("type", "port_range_min", first), ("code", "port_range_max", last)):
            if value is not None and not 0 <= value <= LAST_ICMP:
                raise Invalid(
                    f"Invalid value for ICMP {name} ({field}) {value}. It must be 0 to {LAST_ICMP}.",
                    "SecurityGroupInvalidIcmpValue",
                )
        if first is None:
            raise Invalid(
                f"ICMP code (port-range-max) {last} is provided, but ICMP type (port-range-min) is missing.",
                "SecurityGroupMissingIcmpType",
            )
    else:
        raise Invalid(
            f"Ports cannot be given for protocol {protocol}, only for "
            f"{', '.join(name.upper() for name in protocols.WITH_PORTS)}.",
            "SecurityGroupInvalidProtocolForPort",
        )


def _normalized(prefix: str, ethertype: str) -> str:
    """A prefix without its host bits; "" for none.  Raises Invalid when it is of the other IP version."""
    if not prefix:
        return ""
    network = ipaddress.ip_network(prefix, strict=False)
    if ethertype != f"IPv{network.version}":
        raise Invalid(
            f"Conflicting value ethertype {ethertype} for CIDR {prefix}.", "SecurityGroupRuleParameterConflict"
        )
    return str(network)

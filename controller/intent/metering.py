"""Rules of metering labels and of the rules that say which packets count for them."""

from __future__ import annotations

import ipaddress

from controller.intent.env import Means
from controller.model.rows import MeteringLabel, MeteringLabelRule
from controller.runtime.errors import Conflict, Invalid, NotFound
from controller.store.transaction import Transaction

from . import standard, visibility
from .spans import Span, Spans
from .standard import StandardRequest

DIRECTIONS = ("ingress", "egress")


class LabelRequest(StandardRequest, total=False):
    shared: bool


class LabelRuleRequest(StandardRequest, total=False):
    """Requested attributes of a rule; prefixes in canonical form, "" for none."""

    metering_label_id: str
    direction: str
    excluded: bool
    remote_ip_prefix: str
    source_ip_prefix: str
    destination_ip_prefix: str


def missing(label_id: str) -> NotFound:
    return NotFound(f"Metering label '{label_id[:64]}' does not exist.", "MeteringLabelNotFound")


def create(tx: Transaction, project_id: str, request: LabelRequest, means: Means) -> MeteringLabel:
    label = MeteringLabel(**standard.fields(project_id, request, means), shared=request.get("shared", False))
    tx.put(label)
    return label


def delete(tx: Transaction, label_id: str, means: Means) -> None:
    """Delete a label with its rules."""
    label = tx.get(MeteringLabel, label_id)
    if label is None:
        raise missing(label_id)
    tx.guard(f"metered/{label_id}")
    for rule in tx.find(MeteringLabelRule, "metering_label_id", label_id):
        _remove(tx, rule)
    tx.delete(label)


def create_rule(tx: Transaction, project_id: str, request: LabelRuleRequest, means: Means) -> MeteringLabelRule:
    """Count packets for a label.

    Raises Invalid for a rule without a prefix or with too many, Conflict for one whose remote prefix overlaps that of
    another of its kind: packets would count twice.
    """
    label_id = request["metering_label_id"]
    label = visibility.required(tx, MeteringLabel, label_id, means, missing(label_id))
    rule = MeteringLabelRule(
        **standard.fields(label.project_id, request, means),
        metering_label_id=label.id,
        direction=request["direction"],
        excluded=request.get("excluded", False),
        remote_ip_prefix=request.get("remote_ip_prefix", ""),
        source_ip_prefix=request.get("source_ip_prefix", ""),
        destination_ip_prefix=request.get("destination_ip_prefix", ""),
    )
    _check(rule)
    tx.guard(f"metered/{label.id}")
    if rule.remote_ip_prefix:
        _check_apart(tx, rule)
    tx.reserve(f"metered/{label.id}/{rule.id}", rule)
    tx.put(rule)
    return rule


def delete_rule(tx: Transaction, rule_id: str, means: Means) -> None:
    rule = tx.get(MeteringLabelRule, rule_id)
    if rule is None:
        raise NotFound(f"Metering label rule '{rule_id[:64]}' does not exist.", "MeteringLabelRuleNotFound")
    _remove(tx, rule)


def _remove(tx: Transaction, rule: MeteringLabelRule) -> None:
    tx.release(f"metered/{rule.metering_label_id}/{rule.id}")
    tx.delete(rule)


def _check(rule: MeteringLabelRule) -> None:
    ends = [each for each in (rule.source_ip_prefix, rule.destination_ip_prefix) if each]
    if rule.remote_ip_prefix and ends:
        raise Invalid(
            "Cannot use 'remote-ip-prefix' in conjunction with 'source-ip-prefix' or 'destination-ip-prefix'.",
            "Invalid",
        )
    if not (rule.remote_ip_prefix or ends):
        raise Invalid(
            "You must define at least one of the following parameters 'remote_ip_prefix', or 'source_ip_prefix' or "
            "'destination_ip_prefix'.",
            "Invalid",
        )
    if len({":" in each for each in ends}) > 1:
        raise Invalid("'source-ip-prefix' and 'destination-ip-prefix' are of different IP versions.", "Invalid")


def _check_apart(tx: Transaction, rule: MeteringLabelRule) -> None:
    """Check a remote prefix against the others of its kind, and keep it for the next rule of a bulk."""
    of_kind = _kind(rule)
    if of_kind not in tx.memo:
        others = tx.find(MeteringLabelRule, "metering_label_id", rule.metering_label_id)
        tx.memo[of_kind] = Spans(_span(each) for each in others if each.remote_ip_prefix and _kind(each) == of_kind)
    spans: Spans = tx.memo[of_kind]
    if spans.overlapping(_span(rule)) is not None:
        raise Conflict(
            f"Metering label rule with remote_ip_prefix '{rule.remote_ip_prefix}' overlaps another.",
            "MeteringLabelRuleOverlaps",
        )
    spans.add(_span(rule))


def _kind(rule: MeteringLabelRule) -> tuple[object, ...]:
    return ("metered", rule.metering_label_id, rule.direction, rule.excluded, ":" in rule.remote_ip_prefix)


def _span(rule: MeteringLabelRule) -> Span:
    network = ipaddress.ip_network(rule.remote_ip_prefix)
    return int(network.network_address), int(network.broadcast_address)

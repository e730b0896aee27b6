"""Flows of one key that several want and that are one flow: clauses of conjunctions.

Open vSwitch takes one flow for a match; an address that is in two security groups is a clause of two conjunctions, so
its flow has both.
"""

from __future__ import annotations

from collections.abc import Collection

from .flow import Flow

MOST = 4000  # conjunctions in one flow: with more the message would exceed 65,535 bytes


def merge(flows: Collection[Flow]) -> Flow | None:
    """One flow that does what all of `flows` do, whatever their order; they have one key.

    None where there is none: one of them does anything but take part in conjunctions, two count the clauses of one
    conjunction differently, or there are more than MOST.  Flows that are all equal are that flow.
    """
    first = next(iter(flows))
    if all(flow == first for flow in flows):
        return first
    clauses = {}
    for flow in flows:
        if not flow.conjunctions:
            return None
        for action, clause in zip(flow.actions, flow.conjunctions, strict=True):
            clauses[clause] = action
    counted = {number: total for number, _, total in clauses}
    if len(clauses) > MOST or any(counted[number] != total for number, _, total in clauses):
        return None
    return Flow(first.table, first.priority, first.match, tuple(clauses[clause] for clause in sorted(clauses)))

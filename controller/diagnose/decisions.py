"""Decisions of filters on a frame's way: which rule let it through, or why none did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from apps.pipeline import JUDGED_PORT, OUTCOME, RULES, VERDICTS
from controller.diagnose.drops import port_at
from controller.diagnose.headers import Headers
from controller.diagnose.trace import Hop
from controller.diagnose.verdicts import judge, rule_text
from controller.flow import Flow
from controller.model.model import Model
from controller.model.rows import SecurityGroupRule

Origins = Callable[[str, Flow], list[str]]  # (switch, flow): the keys of the objects that it is because of


def decisions(model: Model, hop: Hop, opened: Headers, opener: str, origins: Origins) -> Iterator[dict[str, Any]]:
    """What each filter that the frame came to at a switch has decided.

    `opened`: the first packet of its connection, by which it is judged, and `opener` the port that sent it.
    """
    allowing: SecurityGroupRule | None = None
    for table, flow in hop.steps:
        if flow is None:
            continue
        if table == RULES.number:
            ids = [key.partition("/")[2] for key in origins(hop.switch_id, flow) if key.startswith("security_group_r")]
            allowing = model.get(SecurityGroupRule, ids[0]) if ids else None
        elif table == VERDICTS.number:
            said = {one.name: int.from_bytes(one.value, "big") for one in flow.match}
            port = port_at(model, hop.switch_id, JUDGED_PORT.of(said))
            if port is None:
                continue
            direction = "egress" if port.id == opener else "ingress"
            judged = judge(model, port, direction, opened)
            passed, rule = bool(OUTCOME.of(said)), allowing or judged.rule
            near = None if passed else judged.nearest
            yield {
                "port_id": port.id,
                "direction": direction,
                "passed": passed,
                "rule": {"id": rule.id, "allows": rule_text(rule)} if passed and rule else None,
                "reason": "" if passed else judged.reason or "it belongs to no connection, and can begin none",
                "nearest_rule": near and {"id": near.id, "allows": rule_text(near), "differs_in": [*judged.differs]},
            }
            allowing = None

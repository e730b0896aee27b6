"""Flows compare by what they say, and cost the garbage collector nothing."""

from __future__ import annotations

import gc

from apps.pipeline import CLASSIFY, LOCAL, USUAL
from controller.flow import Flow, field, output


def flow(port: int = 1) -> Flow:
    return Flow(CLASSIFY, USUAL, (field("in_port", port),), (output(2),), goto=LOCAL)


def test_equal_content_is_an_equal_flow() -> None:
    assert flow() == flow()
    assert not flow() != flow()  # noqa: SIM202 (it is another method)
    assert hash(flow()) == hash(flow())
    assert len({flow(), flow()}) == 1


def test_other_content_is_another_flow() -> None:
    assert flow(1) != flow(2)
    assert not flow(1) == flow(2)  # noqa: SIM201
    assert flow() != "flow"


def test_the_collector_passes_flows_over() -> None:
    made = flow()
    assert not gc.is_tracked(made)
    assert not any(gc.is_tracked(part) for part in (*made.match, *made.actions))

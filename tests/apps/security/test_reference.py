"""The flows of security groups let through what a reference evaluator does: random groups, rules, packets, fabrics."""

from __future__ import annotations

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.model.rows import Port
from tests.apps.security import scenes
from tests.apps.security.reference import Reference
from tests.world import World

quiet = settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
chances = st.randoms(use_true_random=False)


@quiet
@given(chances, st.sampled_from(scenes.FABRICS))
def test_what_passes_is_what_rules_allow(chance: random.Random, fabric: str) -> None:
    """Openers, replies, errors about them, packets sent again; rules and members that go and come back in between."""
    rows = scenes.beginning(chance, fabric)
    world = World(*rows)
    reference, left = Reference(world.model), list[scenes.Frame]()
    for step in scenes.steps(chance, rows, left, 25):
        if isinstance(step, scenes.Change):
            world.put(*step.rows)
            continue
        sender, receiver = (f"p{scenes.number_of(step[side])}" for side in ("eth_src", "eth_dst"))
        ports, at = world.model.rows(Port), world.model.placement.bindings
        arrived = world.inject(at[sender].switch_id, step["in_port"], step).ports
        assert arrived == [receiver] * reference.passes(step, ports[sender], ports[receiver]), step
        if arrived:
            left.append(step)


@quiet
@given(chances, st.sampled_from(scenes.FABRICS))
def test_a_group_frame_gets_to_those_whose_rules_allow_it(chance: random.Random, fabric: str) -> None:
    rows = scenes.beginning(chance, fabric)
    world = World(*rows)
    reference, ports = Reference(world.model), world.model.rows(Port)
    for _ in range(6):
        sent = scenes.to_many(chance)
        sender = f"p{scenes.number_of(sent['eth_src'])}"
        others = [port for port in ports.values() if port.id != sender]
        here = world.model.placement.bindings[sender].switch_id
        assert world.inject(here, sent["in_port"], sent).ports == reference.reached(sent, ports[sender], others)

"""Flows of random routed networks keep to what apps/pipeline.py says of their tables and bits."""

from __future__ import annotations

import random

import pytest

from controller.model.rows import Switch
from tests.apps.test_pipeline import keeps
from tests.apps.travels import complaints
from tests.routing import scene


@pytest.mark.parametrize("fabric", scene.FABRICS)
def test_every_flow_keeps_to_its_table_and_reads_what_is_set(fabric: str) -> None:
    for seed in range(6):
        world = scene.scene(random.Random(f"{fabric} {seed}"), fabric).world
        for switch_id in world.model.rows(Switch):
            flows = list(world.compiler.wanted(switch_id))
            for flow in flows:
                keeps(flow)
            assert complaints(flows) == []

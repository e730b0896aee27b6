"""Thousands of histories: the switch sees one writer at a time, and in the end all is as it should be."""

from __future__ import annotations

import os

import pytest

from controller.model.kinds import Network
from tests.cluster.simulation import Node, World

HISTORIES = int(os.environ.get("TENET_HISTORIES", "2000"))
BATCH = 250


def live(world: World) -> list[str]:
    """Let it live; what is wrong afterwards."""
    world.live(world.random.uniform(10, 25))
    wrong = []
    for switch in world.switches:
        generations = [generation for _, _, generation in switch.accepted]
        if generations != sorted(generations):
            wrong.append(f"{switch.name} took a write of an earlier master")
        writers: dict[int, set[int]] = {}
        for _, member, generation in switch.accepted:
            writers.setdefault(generation, set()).add(member)
        wrong += [f"{switch.name}: {members} wrote as one" for members in writers.values() if len(members) > 1]
        if switch.flows != set(world.acknowledged.items()):
            wrong.append(f"{switch.name} holds {switch.flows}, acknowledged is {world.acknowledged}")
    held = {row.id: row.name for row in world.store.rows.values() if isinstance(row, Network)}
    if held != world.acknowledged:
        wrong.append("a write is gone")
    return wrong


@pytest.mark.parametrize("first", range(0, HISTORIES, BATCH))
def test_one_writer_and_convergence(first: int) -> None:
    for seed in range(first, first + BATCH):
        assert live(World(seed)) == [], f"seed {seed}"


def test_many_writes_are_accepted_from_many_masters() -> None:
    masters = set()
    for seed in range(20):
        world = World(seed)
        live(world)
        masters |= {(seed, switch.name, member) for switch in world.switches for _, member, _ in switch.accepted}
    assert len(masters) > 60


def test_without_generations_a_late_master_overwrites() -> None:
    class Careless(World):
        def generation(self, node: Node) -> int:
            return 0

    assert any(live(Careless(seed)) for seed in range(200))

"""Thousands of histories: one writer at a time as each switch sees it, by leases too; nothing acknowledged is lost; and
in the end all is as it should be.

What is broken on purpose below shows that the histories find it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from controller.cluster.mastery import Shared
from controller.model.rows import Network
from controller.store.codec import decode
from tests.cluster.simulated.clock import Machine
from tests.cluster.simulated.node import Node
from tests.cluster.simulated.store import Store
from tests.cluster.simulated.switch import Switch
from tests.cluster.simulated.world import World

HISTORIES = int(os.environ.get("TENET_HISTORIES", "2000"))
BATCH = 250


def live(world: World) -> list[str]:
    """Let it live; what is wrong afterwards."""
    world.live(world.random.uniform(10, 25))
    wrong = [*writes(world), *world.unleased]
    for switch in world.switches:
        wrong += writers(switch)
        if switch.flows != world.flows():
            wrong.append(f"{switch.name} holds {switch.flows}, the store {world.flows()}")
    wrong += [f"{node.name} has not followed" for node in world.nodes.values() if node.wanted() != world.flows()]
    return wrong


def writers(switch: Switch) -> Iterator[str]:
    """As the switch sees it: masters come one after the other, each newer than the last."""
    generations = [generation for _, _, generation in switch.accepted]
    if generations != sorted(generations):
        yield f"{switch.name} took a write of an earlier master"
    found: dict[int, set[int]] = {}
    for _, member, generation in switch.accepted:
        found.setdefault(generation, set()).add(member)
    yield from (f"{switch.name}: {members} wrote as one" for members in found.values() if len(members) > 1)


def writes(world: World) -> Iterator[str]:
    """No count is lost or made twice, no segment is two networks', and what was acknowledged was made."""
    now: dict[str, Network] = {}
    made: set[tuple[int, str, str]] = set()
    for revision, key, value in world.store.log:
        kind, _, network = key.partition("/")
        if kind != "network":
            continue
        before = now.pop(network, None)
        row = decode(key, value) if value is not None else None
        made.add((revision, network, row.name if isinstance(row, Network) else ""))
        if isinstance(row, Network):
            if row.name != (str(int(before.name) + 1) if before else "0"):
                yield f"{network} went from {before.name if before else None} to {row.name}"
            if any(other.segment == row.segment for other in now.values()):
                yield f"{network} has another's segment {row.segment}"
            now[network] = row
    if not made.issuperset(world.acknowledged):
        yield f"acknowledged and not made: {set(world.acknowledged) - made}"


@pytest.mark.parametrize("first", range(0, HISTORIES, BATCH))
def test_one_writer_and_convergence(first: int) -> None:
    for seed in range(first, first + BATCH):
        assert live(World(seed)) == [], f"seed {seed}"


def test_much_happens_in_them() -> None:
    masters, answers = set(), {"made": 0, "refused": 0, "unknown": 0}
    for seed in range(20):
        world = World(seed)
        live(world)
        masters |= {(seed, switch.name, member) for switch in world.switches for _, member, _ in switch.accepted}
        answers = {what: answers[what] + number for what, number in world.answers.items()}
    assert len(masters) > 60 and min(answers.values()) > 20, (len(masters), answers)


def found(world: Callable[[int], World], within: int = 300) -> bool:
    return any(live(world(seed)) for seed in range(within))


def test_without_generations_a_late_master_overwrites() -> None:
    class Careless(World):
        def generation(self, node: Node) -> int:
            return 0

    assert found(Careless)


def test_members_that_do_not_agree_on_shares_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each thinks that the switch goes to the one that it heard of last."""
    monkeypatch.setattr("controller.cluster.mastery.share", lambda _, able: next(iter(able), ""))
    assert found(World)


def test_one_that_goes_on_after_its_lease_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Shared, "alive", property(lambda self: True))
    assert found(World)


def test_one_that_trusts_its_wall_clock_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Machine, "monotonic", Machine.wall)
    assert found(World)


def test_a_commit_that_does_not_rely_on_what_was_read_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    commit = Store.commit
    monkeypatch.setattr(Store, "commit", lambda self, read, write, lease=0: commit(self, {}, write, lease))
    assert found(World)

"""Random plans hold what their tests are about."""

from __future__ import annotations

import random

from tests.routing import chance, scene
from tests.routing.plan import FAMILIES
from tests.routing.reference import fates


def test_plans_are_of_every_kind() -> None:
    seen = set()
    for seed in range(400):
        at = random.Random(seed)
        plan = chance.plan(at)
        for _ in range(10):
            packet = scene.packet(at, (plan,))
            if packet is not None:
                found = fates(plan, packet.router, packet.target, packet.ttl)
                seen |= {(one.what, min(one.hops, 3)) for one in found}
                seen |= {("equal cost", len(found) > 1), ("family", packet.family)}
    assert seen >= {(what, hops) for what in ("arrived", "a router's own", "no host") for hops in (1, 2)}
    assert seen >= {("expired", 0), ("expired", 3), ("no route", 0), ("no route", 1), ("equal cost", True)}
    assert seen >= {("family", family) for family in FAMILIES}

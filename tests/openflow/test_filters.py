"""Security groups on a real Open vSwitch, which takes their flows and prints them as they are encoded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from controller.model.rows import Switch
from controller.openflow import framework
from controller.openflow.session import Holdings
from tests.apps.clouds import clouds
from tests.openflow.flows import Heard
from tests.openflow.judge import Bench
from tests.ovs import PrivateOvs
from tests.world import World

few = settings(
    max_examples=10, derandomize=True, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    heard = Heard()
    server = framework.serve(("127.0.0.1", 0), heard)
    with PrivateOvs() as ovs:
        yield Bench(ovs, heard, f"tcp:127.0.0.1:{server.address[1]}")
    server.close()


@few
@given(clouds(filtered=True))
def test_a_switch_prints_every_flow_as_it_is_encoded(bench: Bench, world: World) -> None:
    for switch_id in world.model.rows(Switch):
        flows = set(world.compiler.wanted(switch_id))
        held = bench.install(flows)
        assert [str(one) for one in flows if one.cookie in held.wrong] == []
        assert held == Holdings({one.cookie for one in flows}, set())
        bench.install_texts(flows)
        assert bench.dump("theirs") == bench.dump("ours")

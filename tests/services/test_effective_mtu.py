"""The MTU that hosts are told: what underlay and wires allow."""

from __future__ import annotations

from msgspec.structs import replace

from controller.services.effective_mtu import EffectiveNetworks
from tests.apps.clouds import network


def test_a_network_is_told_of_with_its_effective_mtu() -> None:
    allowed = 1450
    networks = EffectiveNetworks(lambda _: allowed)
    red = network("red")
    assert networks.of(red) is red
    allowed = 1428
    lowered = networks.of(red)
    assert lowered == replace(red, mtu=1428) and networks.of(red) is lowered, "answers are kept for the object"
    renamed = replace(red, name="other")
    assert networks.of(renamed) == replace(renamed, mtu=1428)
    allowed = 1450
    assert networks.of(renamed) is renamed

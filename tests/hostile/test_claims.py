"""A hypervisor with a certificate of its own that claims what is another's: a host name, a tunnel address, a VIF."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from controller.runtime import hub

hub.patch()

from tests.hostile.deployment import Deployment, bridged, deployed, plug  # noqa: E402
from tests.ovsdb.private import PrivateHypervisor, until  # noqa: E402

ENCAP = {"tenet-encap-type": "vxlan"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with deployed(tmp_path_factory.mktemp("deployment")) as deployment:
        yield deployment


@pytest.fixture
def honest(made: Deployment) -> Iterator[PrivateHypervisor]:
    """hv1, with its datapath connected."""
    with made.hypervisor("hv1", **{"tenet-encap-ip": "198.51.100.1", **ENCAP}) as hypervisor:
        switch = made.switch(bridged(hypervisor), "hv1")
        until(lambda: made.switches().get("hv1", {}).get("in_step"), "hv1 is in step")
        yield hypervisor
        switch.drop()


@pytest.fixture
def liar(made: Deployment, honest: PrivateHypervisor) -> Iterator[PrivateHypervisor]:
    """hv2, known and its datapath connected."""
    with made.hypervisor("hv2", **{"tenet-encap-ip": "198.51.100.2", **ENCAP}) as hypervisor:
        switch = made.switch(bridged(hypervisor), "hv2")
        until(lambda: made.switches().get("hv2", {}).get("in_step"), "hv2 is in step")
        yield hypervisor
        switch.drop()


def create(made: Deployment, **attributes: Any) -> dict[str, Any]:
    network = made.api("POST", "/v2.0/networks", {"network": {"name": "n"}})["network"]
    body = {"port": {"network_id": network["id"], **attributes}}
    port: dict[str, Any] = made.api("POST", "/v2.0/ports", body)["port"]
    return port


def host(made: Deployment, port: dict[str, Any]) -> str:
    """Where a port is."""
    ports = made.api("GET", "/tenet/v1/topology")["topology"]["ports"]
    return next(str(each["switch"] or "") for each in ports if each["id"] == port["id"])


def vifs(made: Deployment) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = made.api("GET", "/tenet/v1/claims")["claims"]["vifs"]
    return found


def test_a_host_name_and_a_tunnel_address_of_another_are_refused(made: Deployment, liar: PrivateHypervisor) -> None:
    pinned = create(made, **{"binding:host_id": "hv1.example"})
    liar.set_ids(**{"hostname": "hv1.example", "tenet-encap-ip": "198.51.100.1"})
    plug(liar, "tap-liar", pinned["id"], 7)
    said = ["host name hv1.example: hv1 has it", "tunnel address 198.51.100.1: hv1 has it"]
    until(lambda: made.switches()["hv2"]["refused"] == said, "both claims are refused")
    assert made.switches()["hv1"]["encap"]["ip"] == "198.51.100.1"
    assert made.switches()["hv2"]["encap"]["ip"] == ""
    until(lambda: any(each["interface"] == "tap-liar" for each in interfaces(made)), "its interface is seen")
    assert host(made, pinned) == "", "the claimed name does not get it a port of that host"
    assert made.metric("tenet_claims_refused") == 2
    refused = made.api("GET", "/tenet/v1/claims")["claims"]["refused"]
    assert refused == [{"switch": "hv2", "why": why} for why in said]
    assert "switch hv2 claims what is another's: host name hv1.example: hv1 has it" in made.doctor()
    assert "hv2: it does not get the tunnel address 198.51.100.1: hv1 has it" in made.text()
    liar.set_ids(**{"hostname": "hv2.example", "tenet-encap-ip": "198.51.100.2"})
    until(lambda: made.switches()["hv2"]["refused"] == [], "it has let go")
    assert made.switches()["hv2"]["encap"]["ip"] == "198.51.100.2"


def interfaces(made: Deployment) -> list[dict[str, Any]]:
    found = made.api("GET", "/tenet/v1/topology")["topology"]["interfaces"]
    return [{"interface": each["name"], "switch": each["switch"]} for each in found]


def test_a_live_vif_stays_where_it_is(made: Deployment, honest: PrivateHypervisor, liar: PrivateHypervisor) -> None:
    port = create(made)
    plug(honest, "tap-vm", port["id"], 5)
    until(lambda: host(made, port) == "hv1", "it is on hv1")
    moves = made.metric("tenet_vif_moves_total")
    plug(liar, "tap-vm", port["id"], 5)
    shown = {"port": port["id"], "vif": port["id"], "switch": "hv1", "claimed_by": ["hv2"]}
    until(lambda: shown in vifs(made), "the claim is shown")
    liar.vsctl("del-port", "tap-vm")
    until(lambda: not vifs(made), "the claim is over")
    plug(liar, "tap-vm", port["id"], 6)
    until(lambda: shown in vifs(made), "it claims again")
    assert host(made, port) == "hv1"
    assert made.metric("tenet_vifs_contested") == 1
    assert made.metric("tenet_vif_moves_total") == moves
    assert f"the VIF {port['id']} of port tap-vm is on switch hv1, and on hv2 as well" in made.doctor()
    assert f"its VIF {port['id']} is on switch hv1, and on hv2 as well, which does not get it" in made.text()
    honest.vsctl("del-port", "tap-vm")
    until(lambda: host(made, port) == "hv2", "the first has let go")


def test_a_live_migration_with_the_vm_on_both_hosts(
    made: Deployment, honest: PrivateHypervisor, liar: PrivateHypervisor
) -> None:
    """As Nova does it: a second binding, the VM on both hosts, the second binding activated, the first VM removed."""
    port = create(made, **{"binding:host_id": "hv1.example"})
    bindings = f"/v2.0/ports/{port['id']}/bindings"
    plug(honest, "tap-move", port["id"], 8)
    until(lambda: host(made, port) == "hv1", "it is on hv1")
    made.api("POST", bindings, {"binding": {"host": "hv2.example"}})
    plug(liar, "tap-move", port["id"], 8)
    until(lambda: vifs(made), "it is on both")
    assert host(made, port) == "hv1"
    made.api("PUT", f"{bindings}/hv2.example/activate")
    until(lambda: host(made, port) == "hv2", "activated there")
    until(lambda: made.metric("tenet_vif_moves_total") >= 1, "the move is counted")
    honest.vsctl("del-port", "tap-move")
    until(lambda: not vifs(made), "the source has let go")
    assert host(made, port) == "hv2"

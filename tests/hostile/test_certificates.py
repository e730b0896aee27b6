"""Hypervisors with certificates of the right authority that say they are others: each is who its certificate names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.runtime import hub

hub.patch()

from tests.hostile.deployment import Deployment, bridged, deployed  # noqa: E402
from tests.ovsdb.private import until  # noqa: E402

UNKNOWN = 0x0000_7E57_0000_0001


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with deployed(tmp_path_factory.mktemp("deployment")) as deployment:
        yield deployment


def test_a_database_is_only_who_its_certificate_names(made: Deployment) -> None:
    with made.hypervisor("hv1", certificate="hv2", **{"tenet-encap-ip": "198.51.100.66"}):
        until(lambda: any("certificate is of hv2, not of hv1" in why for why in made.refusals()), "it is refused")
        assert "hv1" not in made.switches()
        assert made.metric("tenet_connections_refused_total") >= 1
        assert "certificate is of hv2, not of hv1" in made.doctor()
    with made.hypervisor("hv1") as rightly:
        bridged(rightly)
        until(lambda: "hv1" in made.switches(), "with its own it comes in")


def test_a_datapath_is_only_that_of_the_hypervisor_that_its_certificate_names(made: Deployment) -> None:
    with made.hypervisor("hv1") as hypervisor:
        dpid = bridged(hypervisor)
        until(lambda: made.switches().get("hv1", {}).get("dpid") == f"{dpid:016x}", "its database is known")
        impostor = made.switch(dpid, "hv2")
        until(lambda: any(f"is of hv2, and datapath {dpid:016x} is of hv1" in why for why in made.refusals()), "no")
        assert not made.switches()["hv1"]["connected"]
        assert not impostor.flows
        rightly = made.switch(dpid, "hv1")
        until(lambda: made.switches()["hv1"]["in_step"], "with its own it comes in")
        assert rightly.flows
        impostor.drop()
        rightly.drop()


def test_a_datapath_of_another_that_came_before_its_database_is_ended(made: Deployment) -> None:
    """The impostor is there first; when the database tells whose datapath it is, it goes."""
    with made.hypervisor("hv3", **{"tenet-datapath-id": f"{UNKNOWN:016x}"}) as hypervisor:
        impostor = made.switch(UNKNOWN, "hv2")
        assert bridged(hypervisor) == UNKNOWN
        until(lambda: any(f"{UNKNOWN:016x} is of hv3" in why for why in made.refusals()), "it is refused")
        assert not made.switches()["hv3"]["connected"]
        impostor.drop()


def test_datapath_ids_follow_from_nothing(made: Deployment, tmp_path: Path) -> None:
    with made.hypervisor("hv2") as one:
        first = bridged(one)
    with made.hypervisor("hv2") as other:
        assert bridged(other) != first


def test_the_certificate_of_the_controller_is_no_clients(made: Deployment) -> None:
    before = len(made.refusals())
    with made.hypervisor("127.0.0.1", certificate="controller"):
        until(lambda: sum("certificate of the controller" in why for why in made.refusals()) >= 1, "no database")
    known = made.metric("tenet_connections_refused_total")
    switch = made.switch(UNKNOWN + 1, "controller")
    until(lambda: made.metric("tenet_connections_refused_total") > known, "no switch")
    assert f"{UNKNOWN + 1:016x}" not in made.switches() and "127.0.0.1" not in made.switches()
    assert len(made.refusals()) > before
    switch.drop()


def test_with_tls_no_unknown_datapath_becomes_a_switch(made: Deployment) -> None:
    switch = made.switch(UNKNOWN + 2, "hv2")
    until(lambda: any(f"told of datapath {UNKNOWN + 2:016x}" in why for why in made.refusals()), "it is refused")
    assert f"{UNKNOWN + 2:016x}" not in made.switches()
    switch.drop()


def test_certificates_that_name_nobody_come_in_where_the_operator_says_so(tmp_path: Path) -> None:
    with deployed(tmp_path, ("hv2",), security="bind_certificates = false", openflow="adopt = true") as made:
        with made.hypervisor("hv1", certificate="hv2") as hypervisor:
            dpid = bridged(hypervisor)
            until(lambda: "hv1" in made.switches(), "it comes in")
            switch = made.switch(dpid, "hv2")
            until(lambda: made.switches()["hv1"]["in_step"], "so does its datapath")
            switch.drop()
        other = made.switch(UNKNOWN, "hv2")
        until(lambda: f"{UNKNOWN:016x}" in made.switches(), "and one that no database speaks of")
        other.drop()
        with made.hypervisor("hv1", certificate="controller"):
            until(lambda: any("certificate of the controller" in why for why in made.refusals()), "that never does")

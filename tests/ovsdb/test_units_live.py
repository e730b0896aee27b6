"""Rows of units on a real ovsdb-server and ovs-vswitchd: made, kept right after somebody's edits, removed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.ovsdb.server import serve
from controller.ovsdb.wanted import OwnRow, WantedRow
from tests.ovsdb.private import PrivateHypervisor, until
from tests.ovsdb.toyrows import Units, mirrored, shaped, watched_tunnel


class Site:
    """A hypervisor with two taps and a tunnel port."""

    def __init__(self, units: Units, hypervisor: PrivateHypervisor) -> None:
        self.units, self.hypervisor = units, hypervisor
        until(lambda: hypervisor.ofport("tenet-geneve") > 0, "the tunnel port is there")
        for name in ("tap1", "tap2"):
            hypervisor.plug(name)
        self.dpid = int(hypervisor.get("Bridge", "br-int", "datapath_id"), 16)
        self.tap1, self.tap2, self.tunnel = map(hypervisor.ofport, ("tap1", "tap2", "tenet-geneve"))

    def want_all(self) -> None:
        self.units.want(
            self.dpid, *shaped(self.dpid, self.tap1), *mirrored(self.dpid, self.tap1, self.tap2),
            *watched_tunnel(self.dpid, self.tunnel),
        )  # fmt: skip
        until(self.right, "all rows are there")

    def count(self, table: str) -> int:
        return len(self.hypervisor.vsctl("--columns=_uuid", "--format=csv", "--no-headings", "list", table).split())

    def right(self) -> bool:
        get = self.hypervisor.get
        qos, mirror = get("Port", "tap1", "qos"), get("Mirror", "m1", "output_port")
        return (
            "max-rate=" in get("QoS", qos, "other_config").replace('"', "") if qos != "[]" else False
        ) and mirror == get("Port", "tap2", "_uuid") and self.bfd() == "{enable=true, min_rx=300}"  # fmt: skip

    def bfd(self) -> str:
        return self.hypervisor.get("Interface", "tenet-geneve", "bfd").replace('"', "")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    units = Units()
    server = serve(("127.0.0.1", 0), lambda seen: None, controller_port=6653, units=units)
    with PrivateHypervisor(tmp_path / "hv1") as made:
        made.encap("127.0.0.1", "geneve")
        made.vsctl("set-manager", f"tcp:127.0.0.1:{server.address[1]}")
        yield Site(units, made)
    server.close()


def test_rows_are_made_kept_right_and_removed(site: Site) -> None:
    get, vsctl = site.hypervisor.get, site.hypervisor.vsctl
    foreign = vsctl("create", "QoS", "type=linux-sfq")
    site.want_all()
    queue = vsctl("--bare", "--columns=_uuid", "find", "Queue", "external_ids:tenet-row=q1")
    qos = get("Port", "tap1", "qos")
    assert queue in get("QoS", qos, "queues") and (site.count("QoS"), site.count("Queue")) == (2, 1)
    assert "enable=true" not in get("Interface", "tap1", "bfd"), "and nowhere else"

    vsctl("set", "Queue", queue, "other_config:max-rate=7", "--", "clear", "Port", "tap1", "qos")
    vsctl("clear", "Mirror", "m1", "output_port", "--", "clear", "Interface", "tenet-geneve", "bfd")
    until(site.right, "foreign edits are put right")
    until(lambda: "1000000" in get("Queue", queue, "other_config"), "the queue's rate is")
    vsctl("clear", "Port", "tap1", "qos", "--", "destroy", "QoS", qos, "--", "clear", "Bridge", "br-int", "mirrors")
    until(site.right, "rows that somebody deleted are there again")

    site.units.want(site.dpid)
    until(lambda: (site.count("QoS"), site.count("Queue"), site.count("Mirror")) == (1, 0, 0), "all of ours are gone")
    until(lambda: site.bfd() == "{}", "columns of others are cleared")
    assert get("QoS", foreign, "type") == "linux-sfq"
    assert "tenet-columns" not in get("Interface", "tenet-geneve", "external_ids")


def test_a_row_that_the_database_refuses_costs_itself_alone(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    refused = [WantedRow(OwnRow("Queue", "bad"), {"dscp": 99})]  # at most 63
    with caplog.at_level(logging.WARNING, "tenet.ovsdb"):
        site.units.want(site.dpid, *refused, *watched_tunnel(site.dpid, site.tunnel), *shaped(site.dpid, site.tap1))
        until(lambda: site.bfd() == "{enable=true, min_rx=300}", "the others are there")
        until(lambda: site.hypervisor.get("Port", "tap1", "qos") != "[]", "with their references")
        until(lambda: "Queue bad cannot be put right" in caplog.text, "it is told")
    assert "constraint violation" in caplog.text
    assert site.count("Queue") == 1
    site.units.want(site.dpid, WantedRow(OwnRow("Queue", "bad"), {"dscp": 63}))
    until(lambda: site.hypervisor.vsctl("--bare", "--columns=dscp", "list", "Queue") == "63", "once it is right")

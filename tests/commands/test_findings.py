"""What `tenet doctor` says of ports: those that need nobody's care, and those whose leases end."""

from __future__ import annotations

from typing import Any

import pytest

from controller.commands.findings import examine, leased, unfiltered


@pytest.mark.parametrize(("count", "said"), [(1, "1 port was made before"), (12, "12 ports were made before")])
def test_ports_of_earlier_versions_are_noted_and_no_fault(count: int, said: str) -> None:
    lines, faults = unfiltered(count)
    assert faults == 0 and len(lines) == 1 and said in lines[0]
    assert unfiltered(0).lines == []


@pytest.mark.parametrize(("floating", "said"), [(True, "   ok  {} holds the floating IP 203.0.113.7"),
                                                (False, "FAULT  {} is DOWN: nothing is attached")])  # fmt: skip
def test_the_port_of_a_floating_ip_needs_no_interface(floating: bool, said: str) -> None:
    port = {
        "id": "p", "name": "", "network_id": "n", "interface": None, "status": "DOWN", "reason": "nothing is attached",
        "learning": False, "mac_address": "fa:16:3e:00:00:01", "addresses": ["203.0.113.7"], "floating": floating,
    }  # fmt: skip
    network = {"id": "n", "name": "outside", "mtu_reason": ""}
    nothing: dict[str, Any] = {"switches": [], "links": [], "interfaces": []}
    found = examine({**nothing, "networks": [network], "ports": [port]}, [])
    assert said.format("port p of network outside") in found.lines


def test_leases_that_end_and_addresses_that_somebody_else_uses() -> None:
    topology = {"ports": [{"id": "p", "name": "web", "interface": "tap1"}]}
    declined = {"port_id": "p", "ip_address": "10.0.0.1", "at": "2026-01-01T00:00:00Z", "times": 3}
    lines, faults = leased(topology, {"leases": [], "ending": {"1h": 0, "4h": 2}, "declined": [declined]})
    assert faults == 1
    assert "port web declined its address 10.0.0.1" in lines[0] and "3 times" in lines[0]
    assert lines[1].startswith(" note  2 DHCP leases")
    assert leased(topology, {"leases": [], "ending": {}, "declined": []}).lines == []

"""Protocols of security group rules: their names and numbers."""

from __future__ import annotations

import socket

import pytest

from controller.model.protocols import ICMP_NUMBERS, IPV6_ONLY, NUMBERS, PORT_NUMBERS, number, protocol_number
from controller.model.rows import SecurityGroupRule


def rule(protocol: str) -> SecurityGroupRule:
    return SecurityGroupRule(id="r", project_id="p", security_group_id="g", direction="ingress", ethertype="IPv4",
                             protocol=protocol)  # fmt: skip


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [("", None), ("tcp", 6), ("6", 6), ("ipv6-icmp", 58), ("icmpv6", 58), ("0", 0), ("ip", 0), ("255", 255)],
)
def test_the_number_of_a_rules_protocol(protocol: str, expected: int | None) -> None:
    assert protocol_number(rule(protocol)) == number(protocol) == expected


@pytest.mark.parametrize("name", ["tcp", "udp", "icmp", "sctp", "dccp", "udplite", "esp", "ah", "gre", "igmp", "vrrp"])
def test_numbers_are_those_of_the_systems_list(name: str) -> None:
    try:
        expected = socket.getprotobyname(name)
    except OSError:
        pytest.skip(f"this system does not list {name}")
    assert NUMBERS[name] == expected


def test_what_the_port_fields_mean_is_told_apart() -> None:
    assert {6, 17, 33, 132, 136} == PORT_NUMBERS and {1, 58} == ICMP_NUMBERS
    assert {41, 43, 44, 58, 59, 60} == IPV6_ONLY
    assert not PORT_NUMBERS & (ICMP_NUMBERS | IPV6_ONLY)

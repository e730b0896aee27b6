"""MAC of a hypervisor itself: locally administered, and its number in the low 20 bits.

What a hypervisor sends on its own behalf has it: questions for the neighbours of routers, and what routers send into
physical networks, so that no switch there sees one MAC at two places.
"""

from __future__ import annotations

from controller.flow import Field, field, masked

_PREFIX, _NUMBER_BITS = 0x0A544E000000, 20


def host_mac(number: int) -> str:
    """Of the hypervisor whose switch has this number."""
    return (_PREFIX | number).to_bytes(6, "big").hex(":")


TO_NUMBER = f"eth_dst[0..{_NUMBER_BITS - 1}]"  # where a frame for such a MAC has the switch's number


def to_host(number: int) -> Field:
    """Frames to a hypervisor's own MAC."""
    return field("eth_dst", host_mac(number))


def to_any_host() -> Field:
    mask = (1 << 48) - (1 << _NUMBER_BITS)
    return masked("eth_dst", host_mac(0), mask.to_bytes(6, "big").hex(":"))

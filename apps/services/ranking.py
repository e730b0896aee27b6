"""Order in which a switch uses service hosts: rendezvous hashing shares the switches evenly among them.

The loss of a host moves the switches that used it, and no others (Thaler and Ravishankar, 1998).
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

MOST = 3  # hosts that a switch turns to, one after the other, without a controller's word


def order(switch_id: str, hosts: Iterable[str]) -> list[str]:
    def weight(host: str) -> tuple[bytes, str]:
        return blake2b(f"{switch_id}\n{host}".encode(), digest_size=8).digest(), host

    return sorted(hosts, key=weight, reverse=True)[:MOST]

"""Which member is to have what: rendezvous hashing (Thaler and Ravishankar, 1998), a pure function.

Each member draws a number for each thing, and the highest has it.  So one that comes takes only what it draws highest
for, and what one that goes had is spread over all others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def weight(member: str, thing: str) -> bytes:
    return hashlib.blake2b(f"{member}\0{thing}".encode(), digest_size=8).digest()


def share(thing: str, candidates: Iterable[str]) -> str:
    """The candidate that has `thing`, "" when there is none."""
    return max(candidates, key=lambda member: (weight(member, thing), member), default="")

"""Rendezvous hashing (Thaler and Ravishankar, 1998): assigns things to members; a pure function.

Each member has a weight for each thing, and the highest weight wins.  A member that joins takes only what it wins; what
a leaving member had is spread over all others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def weight(member: str, thing: str) -> bytes:
    return hashlib.blake2b(f"{member}\0{thing}".encode(), digest_size=8).digest()


def share(thing: str, candidates: Iterable[str]) -> str:
    """The candidate with the highest weight for `thing`; "" without candidates."""
    return max(candidates, key=lambda member: (weight(member, thing), member), default="")

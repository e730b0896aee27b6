"""Faults of external DNS, from the answer of a controller.  Pure."""

from __future__ import annotations

from typing import Any


def faults(said: dict[str, Any]) -> list[str]:
    """One a line, of what `GET /tenet/v1/external-dns` answers."""
    told = said["external_dns"]
    found = []
    if told["unreachable"]:
        found.append(f"external DNS, server {told['server']}: {told['unreachable']['reason']}, "
                     f"since {told['unreachable']['since']}")  # fmt: skip
    found += [
        f"external DNS, zone {zone['zone']}: {zone['reason']}, since {zone['since']}; {zone['pending']} names wait"
        for zone in told["zones"]
        if zone["reason"]
    ]
    reasons: dict[str, list[str]] = {}
    for one in told["refused"]:
        reasons.setdefault(one["reason"], []).append(one["name"])
    for reason, names in reasons.items():
        found.append(f"external DNS, name {names[0]}{f' and {len(names) - 1} more' if names[1:] else ''}: {reason}")
    return found

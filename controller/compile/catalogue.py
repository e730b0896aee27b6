"""All apps, by kind of flow set and kind of object: the one list of them, and the one choice among them."""

from __future__ import annotations

from types import ModuleType

from apps import arp, attach, base, l2, learn, limit, source
from controller.compile.compiler import App, Apps
from topology import links, lldp_punt, overlay, provider

_ALL = (base, attach, l2, source, arp, learn, limit, overlay, lldp_punt, links, provider)
_ROLES = {"HERE": "switch", "EVERYWHERE": "network"}  # what a module has -> the kind of flow set that it is for


def apps(broadcast_rate: int) -> Apps:
    """The apps to compile with.  With a `broadcast_rate` of 0, what ports send to many is not limited by meters."""
    chosen = [app for app in _ALL if broadcast_rate or app is not limit]
    return {of: _by_owner(chosen, role) for role, of in _ROLES.items()}


def _by_owner(chosen: list[ModuleType], role: str) -> dict[str, list[App]]:
    found: dict[str, list[App]] = {}
    for app in chosen:
        for kind, function in getattr(app, role, {}).items():
            found.setdefault(kind, []).append(function)
    return found

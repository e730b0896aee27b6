"""All apps, by kind of object: the one list of them."""

from __future__ import annotations

from apps import arp, base, l2, learn, source
from controller.compile.compiler import Apps
from topology import hear, links, overlay, provider

_ALL = (base, l2, source, arp, learn, overlay, hear, links, provider)


def _by_kind(role: str) -> Apps:
    found: Apps = {}
    for app in _ALL:
        for kind, function in getattr(app, role, {}).items():
            found.setdefault(kind, []).append(function)
    return found


HERE: Apps = _by_kind("HERE")
EVERYWHERE: Apps = _by_kind("EVERYWHERE")

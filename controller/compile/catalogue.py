"""All apps, by kind of object: the one list of them."""

from __future__ import annotations

from types import ModuleType

from apps import arp, attach, base, l2, learn, limit, source
from controller.compile.compiler import Apps
from topology import links, lldp_punt, overlay, provider

_ALL = (base, attach, l2, source, arp, learn, limit, overlay, lldp_punt, links, provider)


def _by_kind(role: str, without: ModuleType | None = None) -> Apps:
    found: Apps = {}
    for app in _ALL:
        if app is without:
            continue
        for kind, function in getattr(app, role, {}).items():
            found.setdefault(kind, []).append(function)
    return found


HERE: Apps = _by_kind("HERE")
UNLIMITED: Apps = _by_kind("HERE", without=limit)  # HERE, where what ports send to many is not limited
EVERYWHERE: Apps = _by_kind("EVERYWHERE")

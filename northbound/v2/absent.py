"""Empty lists of OpenStack Networking: kinds that have no objects here, and whose extensions are not listed.

Clients look through these lists on their way to something else: whoever counts or removes all that a project has, Nova
before it shows an instance.
"""

from __future__ import annotations

from ..answer import as_json
from ..ask import Handler
from ..routes import RouteTable
from .catalogue import RESOURCES

_ASKED_FOR = ("service-providers",)


def absent() -> list[str]:
    """Paths below `/v2.0/` of lists that are empty, for no resource has them."""
    declared = {resource.path for resource in RESOURCES}
    return [path for path in _ASKED_FOR if path not in declared]


def add(routes: RouteTable) -> None:
    for path in absent():
        routes.add(f"v2.0/{path}", {"GET": _empty(path.replace("-", "_"))})


def _empty(plural: str) -> Handler:
    return lambda ask: as_json(200, {plural: []})

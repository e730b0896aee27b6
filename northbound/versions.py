"""API versions, with the resources and extensions of each."""

from __future__ import annotations

from typing import Any

from controller.runtime.errors import NotFound

from .answer import Response, as_json
from .ask import Ask
from .resource import Extension
from .v2.catalogue import RESOURCES
from .v2.extensions import extensions as served

QUANTUM = (("v1.0", "SUPPORTED"), ("v1.1", "SUPPORTED"))
VERSIONS = (("v2.0", "CURRENT"),)


def _version(ask: Ask, name: str, status: str) -> dict[str, Any]:
    href = f"{ask.request.host_url}/{name}/"
    return {"id": name, "status": status, "links": [{"rel": "self", "href": href}]}


def root(ask: Ask) -> Response:
    served = (*(QUANTUM if ask.context.quantum else ()), *VERSIONS)
    return as_json(200, {"versions": [_version(ask, *version) for version in served]})


def v2(ask: Ask) -> Response:
    """The resources of v2.0."""
    resources = [
        {
            "name": name.removesuffix("s"),
            "collection": name,
            "links": [{"rel": "self", "href": f"{ask.request.host_url}/v2.0/{name}"}],
        }
        for name in sorted(resource.path for resource in RESOURCES if resource.parent is None)
    ]
    return as_json(200, {"resources": resources})


def extensions(ask: Ask) -> Response:
    return as_json(200, {"extensions": [_extension(each) for each in served()]})


def extension(ask: Ask, alias: str) -> Response:
    for each in served():
        if each.alias == alias:
            return as_json(200, {"extension": _extension(each)})
    raise NotFound(f"Extension with alias {alias[:64]} does not exist.", "ExtensionNotFound")


def _extension(each: Extension) -> dict[str, Any]:
    return {**each._asdict(), "links": []}

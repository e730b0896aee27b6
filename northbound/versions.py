"""What there is to find: versions of the API, the resources and extensions of each."""

from __future__ import annotations

from typing import Any

from controller.errors import NotFound

from .answer import Answer, as_json
from .ask import Ask

VERSIONS = (("v1.1", "SUPPORTED"), ("v2.0", "CURRENT"))

# Upstream's names and dates; an extension is here only when all of it works as its definition says.
EXTENSIONS = (
    (
        "provider",
        "Provider Network",
        "2012-09-07T10:00:00-00:00",
        "Expose mapping of virtual networks to physical networks",
    ),
    (
        "project-id",
        "project_id field enabled",
        "2016-09-09T09:09:09-09:09",
        "Extension that indicates that project_id field is enabled.",
    ),
    (
        "net-mtu",
        "Network MTU",
        "2015-03-25T10:00:00-00:00",
        "Provides MTU attribute for a network resource.",
    ),
    (
        "standard-attr-revisions",
        "Resource revision numbers",
        "2016-04-11T10:00:00-00:00",
        "This extension will display the revision number of neutron resources.",
    ),
)


def _version(ask: Ask, name: str, status: str) -> dict[str, Any]:
    href = f"{ask.request.host_url}/{name}/"
    return {"id": name, "status": status, "links": [{"rel": "self", "href": href}]}


def root(ask: Ask) -> Answer:
    return as_json(200, {"versions": [_version(ask, *version) for version in VERSIONS]})


def v2(ask: Ask) -> Answer:
    """The resources of v2.0."""
    resources = [
        {
            "name": name.removesuffix("s"),
            "collection": name,
            "links": [{"rel": "self", "href": f"{ask.request.host_url}/v2.0/{name}"}],
        }
        for name in ("networks", "subnets", "ports")
    ]
    return as_json(200, {"resources": resources})


def extensions(ask: Ask) -> Answer:
    return as_json(200, {"extensions": [_extension(*each) for each in EXTENSIONS]})


def extension(ask: Ask, alias: str) -> Answer:
    for each in EXTENSIONS:
        if each[0] == alias:
            return as_json(200, {"extension": _extension(*each)})
    raise NotFound(f"Extension with alias {alias[:64]} does not exist.", "ExtensionNotFound")


def _extension(alias: str, name: str, updated: str, description: str) -> dict[str, Any]:
    return {"alias": alias, "name": name, "updated": updated, "description": description, "links": []}

"""Flavors and service profiles of v2.0, and `/flavors/ID/service_profiles`: of which profiles a flavor consists."""

from __future__ import annotations

from typing import Any

from controller.intent import flavors
from controller.model.rows import Flavor, ServiceProfile

from ..answer import Response, as_json
from ..ask import Ask
from ..body import json_body
from ..checks import Fault, boolean, one_of, optional_text, text, uuid
from ..errors import bad_request
from ..resource import Attribute, Extension, May, Resource, ResourceView, attribute
from ..routes import RouteTable
from ..rules import ADMIN, Access
from ..schema import SHOWN_TEXT, either
from .common import NO_OWNER, UUID
from .engine import found
from .visibility import target

UUIDS = {"type": "array", "items": UUID}


def _flavors(view: ResourceView, profile: ServiceProfile) -> list[str]:
    return [flavor.id for flavor in view.model.find(Flavor, "service_profiles", profile.id)]


SERVICE_PROFILES = Resource(
    name="service_profile",
    plural="service_profiles",
    kind=ServiceProfile,
    not_found="ServiceProfileNotFound",
    attributes=(
        attribute("id"),
        *NO_OWNER,
        attribute("description", optional_text, May.SET, shape=SHOWN_TEXT),
        attribute("driver", optional_text, May.SET, shape=SHOWN_TEXT),
        attribute("metainfo", optional_text, May.SET, shape=SHOWN_TEXT),
        attribute("enabled", boolean, May.SET),
        Attribute("flavors", _flavors, shape=UUIDS),
    ),
    access=Access(ADMIN, ADMIN, ADMIN, ADMIN),
    create=flavors.create_profile,
    update=flavors.update_profile,
    delete=flavors.delete_profile,
)

FLAVORS = Resource(
    name="flavor",
    plural="flavors",
    kind=Flavor,
    not_found="FlavorNotFound",
    attributes=(
        attribute("id"),
        attribute("name", text, May.SET),
        *NO_OWNER,
        attribute("description", optional_text, May.SET, shape=SHOWN_TEXT),
        attribute("service_type", one_of(*flavors.SERVICE_TYPES), May.CREATE, required=True,
                  shape=either(*flavors.SERVICE_TYPES)),
        Attribute("service_profiles", lambda view, row: list(row.service_profiles), shape=UUIDS),
        attribute("enabled", boolean, May.SET),
    ),
    access=Access(create=ADMIN, get="role:reader", update=ADMIN, delete=ADMIN),
    create=flavors.create,
    update=flavors.update,
    delete=flavors.delete,
    index={"name": "name"},
    extensions=(
        Extension("flavors", "Neutron Service Flavors", "2015-09-17T10:00:00-00:00",
                  "Flavor specification for Neutron advanced services."),
        Extension("l3-flavors", "Router Flavor Extension", "2016-05-17T00:00:00-00:00", "Flavor support for routers."),
    ),
)  # fmt: skip


# --- which profiles a flavor consists of ------------------------------------------------------------------------------


def add(routes: RouteTable) -> None:
    routes.add("v2.0/flavors/*/service_profiles", {"GET": list_all, "POST": associate})
    routes.add("v2.0/flavors/*/service_profiles/*", {"GET": show, "DELETE": dissociate})


def list_all(ask: Ask, flavor_id: str) -> Response:
    flavor = _allowed(ask, flavor_id, "get")
    return as_json(200, {"service_profiles": [{"id": each} for each in flavor.service_profiles]})


def show(ask: Ask, flavor_id: str, profile_id: str) -> Response:
    flavor = _allowed(ask, flavor_id, "get")
    flavors.check_associated(flavor, profile_id)
    return as_json(200, {"service_profile": {"service_profile_id": profile_id, "flavor_id": flavor.id}})


def associate(ask: Ask, flavor_id: str) -> Response:
    _allowed(ask, flavor_id, "create")
    profile_id = _body(ask)
    flavor, revision = ask.transact(lambda tx: flavors.associate(tx, flavor_id, profile_id, ask.means))
    return as_json(201, {"service_profile": FLAVORS.show(ask.view, flavor)}, revision)


def dissociate(ask: Ask, flavor_id: str, profile_id: str) -> Response:
    _allowed(ask, flavor_id, "delete")
    outcome = ask.transact(lambda tx: flavors.dissociate(tx, flavor_id, profile_id, ask.means))
    return Response(204, revision=outcome.revision)


def _allowed(ask: Ask, flavor_id: str, verb: str) -> Flavor:
    row = found(FLAVORS, ask, flavor_id)
    ask.context.policy.check(ask.caller, f"{verb}_flavor_service_profile", target(FLAVORS, ask, row))
    assert isinstance(row, Flavor)
    return row


def _body(ask: Ask) -> str:
    body = json_body(ask.request)
    given: Any = body.get("service_profile") if isinstance(body, dict) and set(body) == {"service_profile"} else None
    if not isinstance(given, dict) or not {"id"} <= set(given) <= {"id", "project_id", "tenant_id"}:
        raise bad_request("Unable to find 'service_profile' with its 'id' in request body, or more than that is in it.")
    try:
        return uuid(given["id"])
    except Fault as fault:
        raise bad_request(f"Invalid input for id. Reason: {fault}.") from None

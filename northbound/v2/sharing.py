"""RBAC policies of v2.0, as declared."""

from __future__ import annotations

from controller.intent import sharing
from controller.model.rows import RbacPolicy
from controller.model.rows.base import SHAREABLE

from ..checks import filled, one_of, uuid
from ..resource import Extension, May, Resource, attribute
from ..rules import ADMIN, WRITE, Access, any_of, of_attributes
from .common import OWNED, OWNER

NOT_EVERYBODY = "not field:rbac_policy:target_tenant=*"

RBAC_POLICIES = Resource(
    name="rbac_policy",
    plural="rbac_policies",
    path="rbac-policies",
    kind=RbacPolicy,
    not_found="RbacPolicyNotFound",
    attributes=(
        attribute("id"),
        *OWNER,
        attribute("object_type", one_of(*SHAREABLE), May.CREATE, required=True),
        attribute("object_id", uuid, May.CREATE, required=True),
        attribute("action", filled, May.CREATE, required=True),
        attribute("target_tenant", filled, May.SET, source="target", required=True),
    ),
    access=Access(attributes=of_attributes((WRITE, "target_tenant", any_of(ADMIN, NOT_EVERYBODY)))),
    create=sharing.create,
    update=sharing.update,
    delete=sharing.delete,
    index={**OWNED, "object_id": "object_id", "target_tenant": "target"},
    extensions=(
        Extension("rbac-policies", "RBAC Policies", "2015-06-17T12:15:12-00:00",
                  "Allows creation and modification of policies that control tenant access to resources."),
    ),
)  # fmt: skip

"""RBAC policies of v2.0, as declared."""

from __future__ import annotations

from controller.intent import sharing
from controller.model.rows import RbacPolicy
from controller.model.rows.base import SHAREABLE

from ..checks import filled, one_of, uuid
from ..resource import May, Resource, attribute
from .common import OWNED, OWNER

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
    create=sharing.create,
    update=sharing.update,
    delete=sharing.delete,
    index={**OWNED, "object_id": "object_id", "target_tenant": "target"},
)

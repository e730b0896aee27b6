"""RBAC policies, and quotas of projects."""

from __future__ import annotations

import msgspec

from .base import BY_OWNER, Row, row


@row(
    "rbac_policy",
    plural="RBAC policies",
    lookup=("project_id", "object_id", "target", "grant"),
    seen=BY_OWNER,
    quota=10,
)
class RbacPolicy(Row, frozen=True, kw_only=True):
    """An object that `target` ("*" is every project) may use: `access_as_shared` or `access_as_external`."""

    id: str
    project_id: str
    object_type: str
    object_id: str
    action: str
    target: str

    @property
    def grant(self) -> str:
        """Object, action and target in one string, which is unique."""
        return f"{self.object_id}/{self.action}/{self.target}"


@row("quota")
class Quota(Row, frozen=True, kw_only=True):
    """Limits of a project by resource name (`port`); -1: unlimited; absent: the default applies."""

    id: str  # of the project
    limits: dict[str, int] = msgspec.field(default_factory=dict)

"""Default security group rules: the operator's templates of the rules that new security groups begin with."""

from __future__ import annotations

from .base import Row, Seen, row
from .security import RuleFields


@row(
    "default_security_group_rule",
    plural="Default security group rules",
    lookup=("project_id", "public"),
    seen=Seen(public=True),
    flowless=True,
)
class DefaultSecurityGroupRule(RuleFields, frozen=True, kw_only=True):
    """A rule that each new group gets (Networking API v2.0, default-security-group-rules).  `project_id` is "".

    The fields are those of a SecurityGroupRule; `remote_group_id` may also be the word PARENT: the new group itself.
    `used_in_default_sg`, `used_in_non_default_sg`: whether projects' default groups get it, and whether all others do.
    """

    used_in_default_sg: bool = False
    used_in_non_default_sg: bool = True

    @property
    def public(self) -> bool:
        """True: by which all of them are found."""
        return True


@row("seeded", flowless=True)
class Seeded(Row, frozen=True, kw_only=True):
    """A note that the store was given what it begins with, called `id`: whatever of it is deleted stays deleted."""

    id: str

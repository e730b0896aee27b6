"""Checks of attributes in policy rules: `field:networks:shared=True`, `field:port:device_owner=~^network:`.

OpenStack's own policy files use them.  Known to oslo.policy from the import of this module on, and only to rules that
are parsed later: whoever declares such rules imports it first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from oslo_policy import _checks as checks
from oslo_policy import policy as oslo

from .policy import Target


class RequestField(checks.Check):
    """`field:networks:shared=True`, `field:port:device_owner=~^network:`: an attribute of the object, or of what it is
    on.
    """

    def __init__(self, kind: str, match: str) -> None:
        super().__init__(kind, match)
        resource, _, rest = match.partition(":")
        name, _, self.value = rest.partition("=")
        self.names = (name, f"{resource.removesuffix('s')}:{name}")
        self.pattern = re.compile(self.value[1:]) if self.value.startswith("~") else None

    def __call__(self, target: Target, creds: Mapping[str, Any], enforcer: object, current_rule: object = None) -> bool:
        for name in self.names:
            if name in target:
                value = target[name]
                return bool(self.pattern.match(str(value))) if self.pattern else str(value) == self.value
        return False


oslo.register("field", RequestField)

"""Policy interface: the engine asks, an implementation decides."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from .auth import Caller

Target = Mapping[str, Any]


class Policy(Protocol):
    """`action` is `create_port`, `get_network`, `update_subnet`, `delete_port`, ... as OpenStack's policies name it.

    `target` is the object as the API shows it to the operator (of a create: what was asked for), and beside it
    `project_id`, `tenant_id` and, where it is on a network, `network:project_id` and `network:tenant_id`.
    Whether the caller can see an object at all is not asked here (`controller.intent.visibility`).
    """

    def check(self, caller: Caller, action: str, target: Target, attributes: Collection[str] = ()) -> None:
        """Raises Forbidden when the caller may not do it, or not with one of these attributes in the body."""
        ...

    def hidden(self, caller: Caller, resource: str, target: Target | None) -> Collection[str]:
        """Attributes of `resource` (`network`, ...) that the caller is not shown; `target` None: of any object."""
        ...

    def judges(self, resource: str) -> bool:
        """Whether what a caller sees of `resource` depends on more of each object than whose it is."""
        ...


class Open:
    """Everybody may everything."""

    def check(self, caller: Caller, action: str, target: Target, attributes: Collection[str] = ()) -> None:
        return

    def hidden(self, caller: Caller, resource: str, target: Target | None) -> Collection[str]:
        return ()

    def judges(self, resource: str) -> bool:
        return False

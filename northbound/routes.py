"""Route table: a tree over the parts of a path, where "*" takes any part."""

from __future__ import annotations

from collections.abc import Mapping

from .ask import Handler
from .errors import method_not_allowed, not_found


class RouteTable:
    def __init__(self) -> None:
        self._children: dict[str, RouteTable] = {}
        self._handlers: dict[str, Handler] = {}

    def add(self, path: str, handlers: Mapping[str, Handler]) -> None:
        """`path` as "v2.0/ports/*"; `handlers` by method."""
        node = self
        for part in path.split("/") if path else ():
            node = node._children.setdefault(part, RouteTable())
        node._handlers.update(handlers)

    def find(self, method: str, path: str) -> tuple[Handler, list[str]]:
        """The handler and what "*" stood for.  One slash at the end makes no difference.  Raises HttpError 404, 405."""
        node = self
        taken = []
        for part in path.removeprefix("/").removesuffix("/").split("/") if path not in ("", "/") else ():
            child = node._children.get(part) if part != "*" else None  # which is no part of ours
            if child is None:
                child = node._children.get("*") if part else None
                taken.append(part)
            if child is None:
                raise not_found(path)
            node = child
        if not node._handlers:
            raise not_found(path)
        handler = node._handlers.get("GET" if method == "HEAD" else method)
        if handler is None:
            allowed = sorted(node._handlers) + (["HEAD"] if "GET" in node._handlers else [])
            raise method_not_allowed(", ".join(allowed))
        return handler, taken

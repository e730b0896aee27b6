"""Trees of documents, as paths of a metadata service lead through them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

Tree: TypeAlias = "Mapping[str, Tree] | str | bytes | Callable[[], Document]"


class Document(NamedTuple):
    body: bytes
    content_type: str = "text/plain; charset=utf-8"


def found(tree: Tree, parts: Sequence[str], listing: Callable[[Mapping[str, Tree]], str]) -> Document | None:
    """What `parts` lead to; of a branch its `listing`."""
    for part in parts:
        if not isinstance(tree, Mapping) or part not in tree:
            return None
        tree = tree[part]
    if isinstance(tree, Mapping):
        return Document(listing(tree).encode())
    if isinstance(tree, str):
        return Document(tree.encode())
    return Document(tree, "application/octet-stream") if isinstance(tree, bytes) else tree()

"""A toy kind of row that joins networks, as the interface of a router will: declared for a test, and gone after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import strategies as st

from controller.model.rows import Row
from controller.model.rows.base import (
    ATTRIBUTES,
    DECLARED,
    INDEXES,
    JOINS,
    KINDS,
    LOOKUPS,
    NAMES,
    row,
)
from tests import strategies


class Gateway(Row, frozen=True, kw_only=True):
    """A router has an interface in a network."""

    id: str
    router: str
    network: str


@contextmanager
def declared() -> Iterator[None]:
    """Within it there are gateways: for models that are made within it."""
    row("gateway", joins=lambda one: [(("router", one.router), ("network", one.network))])(Gateway)
    try:
        yield
    finally:
        del KINDS["gateway"]
        for table in (DECLARED, NAMES, INDEXES, LOOKUPS, ATTRIBUTES, JOINS):
            table.pop(Gateway)  # type: ignore[attr-defined]


gateways = st.builds(
    lambda row_id, router, network: Gateway(id=row_id, router=router, network=network),
    st.sampled_from("abcde"), st.sampled_from("rs"), st.sampled_from(strategies.NETWORKS),
)  # fmt: skip

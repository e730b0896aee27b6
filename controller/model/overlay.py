"""Hypothetical model: the model with some changes done that are not, for dry runs and for what was before a write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any, TypeVar

from .group_members import GroupMembers
from .index import Index
from .layer import Layer
from .model import Anchor, Dependency, Model
from .placement import Placement
from .rows import Row

R = TypeVar("R", bound=Row)
Changed = Sequence[tuple[Row | None, Row | None]]  # each row before and after; None: absent


class Overlay(Model):
    """A model as it would be after `changes`, without changing it; costs as much as the changes.

    Placement is derived when it is first read.  Routes, MTUs and reservations are those of the model: they follow from
    reports of switches and from commits, which a preview does not foresee.
    """

    def __init__(self, model: Model, changes: Changed) -> None:
        kinds = {type(row) for pair in changes for row in pair if row is not None}
        self._base = model
        self.revision, self.content = model.revision, model.content
        self.revisions, self.taken, self.placed = model.revisions, model.taken, model.placed
        self.routes, self.slots, self.room, self.scopes = model.routes, model.slots, model.room, model.scopes
        self._rows = {**model._rows, **{kind: Layer(model._rows[kind]) for kind in kinds}}
        self._index = Index.over(model._index, kinds)
        self.group_members = GroupMembers.over(model.group_members)
        self._order: dict[type[Row], Any] = {}
        self._touched: set[Dependency] = set()
        self._unsettled: set[str] = set()
        self._floating: set[str] = set()
        self._deferred: list[Callable[[], None]] = []  # changes of what switches reach
        for before, after in changes:
            row = after or before
            if row is not None:
                self._unsettled.update(self._put(type(row), row.row_id, after, self._touched))
                self._floating.update(self._floating_of(type(row), row.row_id))

    @cached_property
    def placement(self) -> Placement:  # type: ignore[override]  # as of the changes, and nobody assigns it
        placement = self.__dict__["placement"] = Placement.over(self._base.placement)
        for change in self._deferred:
            change()
        for port_id in self._unsettled:
            self._touched.update(self._settle(port_id))
            self._floating.update(self._floating_of_port(port_id))
        for floating_id in self._floating:
            self._touched.update(self._float(floating_id))
        return placement

    @property
    def touched(self) -> set[Dependency]:
        """Dependencies that the changes would change, as `Model.apply` returns them."""
        assert self.placement is not None  # settled
        return self._touched

    def _ordered_ids(self, kind: type[Row]) -> Any:
        return super()._ordered_ids(kind) if isinstance(self._rows[kind], Layer) else self._base._ordered_ids(kind)

    def _join(self, kind: type[Row], old: Row | None, new: Row | None, touched: set[Dependency]) -> None:
        self._deferred.append(partial(super()._join, kind, old, new, touched))

    def _leave(self, router_id: str, before: set[str], after: set[str], touched: set[Dependency]) -> None:
        self._deferred.append(partial(super()._leave, router_id, before, after, touched))

    def _anchor(self, before: set[Anchor], after: set[Anchor], touched: set[Dependency]) -> None:
        self._deferred.append(partial(super()._anchor, before, after, touched))

    def _derive(self, kind: type[Row], old: Row | None, new: Row | None) -> None:
        """Nothing is derived for routes, MTUs and reservations (see the class)."""

"""Declarations of rows: what they name is there, and the declared tables are those that the rest reads."""

from __future__ import annotations

import msgspec
import pytest

from controller.model.rows import KINDS, NAMES, Network, Row
from controller.model.rows.base import DECLARED, INDEXES, LOOKUPS, REFERRERS, SHAREABLE, Kind, row

ROWS = list(DECLARED.items())


def readable(kind: type[Row]) -> set[str]:
    return {*(field.name for field in msgspec.structs.fields(kind)), *vars(kind)}


@pytest.mark.parametrize(("kind", "found"), ROWS, ids=lambda each: getattr(each, "name", ""))
def test_a_declaration_names_what_is_there(kind: type[Row], found: Kind) -> None:
    assert KINDS[found.name] is kind and NAMES[kind] == found.name
    named = {*found.index, *found.lookup, *found.attributes, *(each.field for each in found.references)}
    assert named <= readable(kind)
    assert not set(found.index) & set(found.lookup)
    for reference in found.references:
        assert reference.to in KINDS
        assert reference.field in {"id", *found.index, *found.lookup}
    if found.quota is not None or found.seen is not None:
        assert "project_id" in readable(kind) & {*INDEXES[kind], *LOOKUPS[kind]}
    if found.seen is not None and (found.seen.parent_owner or found.seen.parent_shared):
        assert found.parent is not None
    for kind_of, _ in REFERRERS.get(found.name, ()) if found.name in SHAREABLE else ():
        assert "project_id" in readable(kind_of)


def test_every_kind_is_declared() -> None:
    """A row without a declaration would be in no table."""
    every, ahead = set(), [Row]
    while ahead:
        ahead += (below := ahead.pop().__subclasses__())
        every.update(each for each in below if not each.__subclasses__())
    assert {each for each in every if each.__module__.startswith("controller.")} <= set(DECLARED)


def test_a_name_is_declared_once() -> None:
    with pytest.raises(ValueError, match="network"):
        row("network")(type("Second", (Network,), {}, frozen=True, kw_only=True))

"""Declarations of rows: all that the controller needs to know of a kind of object in the store, in one place.

A kind is a frozen struct under `@row`.  The tables at the end of this file are derived from these declarations and
from nothing else; a kind that is declared is in all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec

SHARED, EXTERNAL = "access_as_shared", "access_as_external"  # actions of RBAC policies

R = TypeVar("R", bound="Row")
K = TypeVar("K", bound="type[Row]")


class Row(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A value in the store, under the key `<kind>/<id>`.  Text is never None: an absent optional text is "".

    `gc=False`: a row cannot be part of a reference cycle.
    """

    @property
    def key(self) -> str:
        return PREFIXES[type(self)] + self.row_id

    @property
    def row_id(self) -> str:
        return self.id  # type: ignore[attr-defined, no-any-return]

    @classmethod
    def kind_name(cls) -> str:
        return NAMES[cls]


class Standard(Row, frozen=True, kw_only=True):
    """Fields of every object of a tenant.  Times are ISO 8601 in UTC; `updated_at` "" means never: as `created_at`.

    `revision` counts the commits that wrote the row, see `Model.revision_of`.  Transactions count, rules do not.
    """

    id: str
    project_id: str
    name: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    created_at: str = ""
    updated_at: str = ""
    revision: int = 0

    @property
    def key(self) -> str:
        return PREFIXES[type(self)] + self.id


class Reads(Protocol):
    """Read access to a model, an overlay, or a transaction (whose commit then depends on what was read)."""

    def get(self, kind: type[R], row_id: str) -> R | None: ...

    def find(self, kind: type[R], index: str, value: object) -> list[R]: ...


class Reference(NamedTuple):
    """A field with the id, or a tuple of ids, of rows of kind `to`; rows must be found by it (`index` or `lookup`).

    `reserved`: each row that refers holds a reservation `taken/<reserved>/<id of the other>/...`, so that a transaction
    that guards this prefix notices newcomers.  `shown`: the API shows something of the referring row at the other one,
    which therefore changes for its clients when this one does.  `uses`: a project that has such a row depends on the
    other one being shared with it.
    """

    field: str
    to: str
    reserved: str = ""
    shown: bool = False
    uses: bool = True

    def of(self, reads: Reads, row: Row) -> Row | None:
        """The row that `row` refers to, if it exists."""
        return reads.get(KINDS[self.to], getattr(row, self.field))


class Seen(NamedTuple):
    """Visibility of a row to others than its owner (`project_id`) and operators.

    `public`: everybody sees it; such rows have no owner (""), and a field `public` by which all are found.
    `shared`: targets of RBAC policies on the row with one of these actions.  `parent_owner`: the owner of its parent.
    `parent_shared`: targets of such policies on its parent.
    """

    shared: tuple[str, ...] = ()
    parent_owner: bool = False
    parent_shared: tuple[str, ...] = ()
    public: bool = False


BY_OWNER = Seen()
Node = tuple[str, str]  # the key of an object that networks may be joined to: ("network", id), ("router", id)
Joins = Callable[[Any], Iterable[tuple[Node, Node]]]  # of a row: pairs of nodes that lead to each other because of it
Change = Callable[[Reads, Any, Any], Iterable[Row]]  # (reads, row before, row after) -> other rows


@dataclass(frozen=True)
class Kind:
    """The declaration of one kind; see `row`."""

    name: str
    index: tuple[str, ...] = ()
    lookup: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    parent: Reference | None = None
    refers: tuple[Reference, ...] = ()
    seen: Seen | None = None
    alters: Change | None = None
    joins: Joins | None = None
    quota: int | None = None
    plural: str = ""
    flowless: bool = False
    version: int = 1
    oldest: int = 1

    @property
    def references(self) -> tuple[Reference, ...]:
        return self.refers if self.parent is None else (self.parent, *self.refers)


def row(
    name: str,
    *,
    index: tuple[str, ...] = (),
    lookup: tuple[str, ...] = (),
    attributes: tuple[str, ...] = (),
    parent: Reference | None = None,
    refers: tuple[Reference, ...] = (),
    seen: Seen | None = None,
    alters: Change | None = None,
    joins: Joins | None = None,
    quota: int | None = None,
    plural: str = "",
    flowless: bool = False,
    version: int = 1,
    oldest: int = 1,
) -> Callable[[K], K]:
    """Declare a kind of row, called `name` in keys and in the API.

    index: fields or properties by which apps find rows; their answers are dependencies of flows.
    lookup: those by which only the API and the rules do.  A tuple is found by each of its items.
    attributes: fields that apps read one by one, so that a change of the others costs them nothing.
    parent: the row that this one is a part of.  refers: other rows that it names.
    seen: who sees it; None: operators alone.  With `Seen.shared` it can be shared by RBAC policies.
    alters: further rows that the API shows otherwise when such a row changes.
    joins: what such a row joins, so that a switch with ports of one network holds the flows of the others, too.
    quota: how many a project may have by default (-1: any number); None: they are not counted.
    plural: what people call several of them ("Subnet pools"), where `name` does not say it.
    flowless: such rows never affect flows.
    version: of the schema, stored in each row (`store.codec`).  A field that a program must not ignore needs a new one.
    oldest: the first version whose rows this one reads; fields that they lack have their defaults.
    """

    def declared(kind: K) -> K:
        said = plural or f"{name.replace('_', ' ').capitalize()}s"
        found = Kind(
            name, index, lookup, attributes, parent, refers, seen, alters, joins, quota, said, flowless, version, oldest
        )
        if KINDS.setdefault(name, kind) is not kind:
            raise ValueError(f"two kinds of rows are called {name}")
        DECLARED[kind], NAMES[kind], PREFIXES[kind] = found, name, f"{name}/"
        INDEXES[kind], LOOKUPS[kind], ATTRIBUTES[kind] = index, lookup, attributes
        if joins is not None:
            JOINS[kind] = joins
        if flowless:
            FLOWLESS.add(kind)
        if quota is not None:
            QUOTAS[name] = quota
        if seen is not None and seen.shared:
            assert issubclass(kind, Standard)  # with an owner and a time of its last change
            SHAREABLE[name] = kind
        for reference in found.references:
            REFERRERS.setdefault(reference.to, []).append((kind, reference))
        return kind

    return declared


DECLARED: dict[type[Row], Kind] = {}
KINDS: dict[str, type[Row]] = {}
NAMES: dict[type[Row], str] = {}
PREFIXES: dict[type[Row], str] = {}  # of keys: the name and a slash
INDEXES: dict[type[Row], tuple[str, ...]] = {}
LOOKUPS: dict[type[Row], tuple[str, ...]] = {}
ATTRIBUTES: dict[type[Row], tuple[str, ...]] = {}
JOINS: dict[type[Row], Joins] = {}
FLOWLESS: set[type[Row]] = set()
QUOTAS: dict[str, int] = {}  # kinds of which a project may have so many by default
SHAREABLE: dict[str, type[Standard]] = {}  # kinds that RBAC policies may be about
REFERRERS: dict[str, list[tuple[type[Row], Reference]]] = {}  # name of a kind -> kinds that refer to it, and how

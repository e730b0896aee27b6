"""Declaration of a v2.0 resource: attributes, rules, policy, and what it is part of.

The engine serves any `Resource` from its declaration alone, and everything that enumerates resources (paths, policies,
the OpenAPI document, extensions, events, dry runs, the tests) reads these declarations.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, NamedTuple

from controller.intent.env import Means
from controller.model.model import Model
from controller.model.names import Naming
from controller.model.rows import Row
from controller.model.rows.base import DECLARED, Reference
from controller.reconcile.statuses import Statuses
from controller.runtime.errors import Invalid
from controller.store.transaction import Transaction

from .auth import Caller
from .checks import Check, Fault, shown
from .rules import CREATE, DELETE, GET, UPDATE, Access
from .schema import SHOWN_TEXT, Schema, closed, of

MAX_FAULTS = 20  # that one answer tells
BAD_REQUEST = "HTTPBadRequest"  # the type under which OpenStack Networking refuses a body's form


class ResourceView(NamedTuple):
    """What an attribute may be computed from beside its row."""

    model: Model
    statuses: Statuses
    caller: Caller = Caller("", operator=True)
    naming: Naming = Naming()


Show = Callable[[ResourceView, Any], object]
ShowRow = Callable[[ResourceView, Row], dict[str, object]]
Finder = Callable[
    ["ResourceView", Sequence[str]], list[Any]
]  # the values asked for -> few rows, all that match among them
Filter = Callable[[Sequence[str]], Callable[[ResourceView, Any], bool]]  # the values asked for -> does this row match?
Create = Callable[[Transaction, str, Any, Means], Row]
Update = Callable[[Transaction, str, Any, Means], Row]
Delete = Callable[[Transaction, str, Means], None]
SEVERAL = "*"  # a request's name, see Attribute


class May(enum.Flag):
    NOTHING = 0
    CREATE = enum.auto()
    UPDATE = enum.auto()
    SET = CREATE | UPDATE


class Attribute(NamedTuple):
    """`request`: the name under which the rules get the value, or "" where they need none (`shared: false`).

    SEVERAL: the value is a dictionary of them.  `show` None: it is asked for and never told.  `shape`: the JSON Schema
    of what is shown; None: what `check` takes is shown, too.  `usual`: what a new object has anyhow: to say so is to
    ask for nothing, and needs no right.  `source`: the field of the row that is shown as it is.
    """

    name: str
    show: Show | None
    may: May = May.NOTHING
    check: Check | None = None
    request: str = ""
    required: bool = False
    shape: Schema | None = None
    usual: object = None
    source: str = ""

    @property
    def shown_as(self) -> Schema:
        """The JSON Schema of what is shown."""
        if self.shape is not None:
            return self.shape
        return of(self.check) if self.check is not None else {}


def attribute(
    name: str,
    check: Check | None = None,
    may: May = May.NOTHING,
    *,
    source: str = "",
    required: bool = False,
    shape: Schema | None = None,
    usual: object = None,
) -> Attribute:
    """An attribute that is a field of the row (`source`, by default of the same name): a text without a check."""
    field_ = source or name
    get = attrgetter(field_)
    shape = SHOWN_TEXT if shape is None and check is None else shape
    return Attribute(name, lambda view, row: get(row), may, check, field_, required, shape, usual, field_)


class Part:
    """A `Show` of one of several values that are computed together, once for all of them."""

    def __init__(self, whole: Callable[[ResourceView, Any], Sequence[object]], place: int) -> None:
        self.whole = whole
        self.place = place

    def __call__(self, view: ResourceView, row: Any) -> object:
        return self.whole(view, row)[self.place]


class Extension(NamedTuple):
    """An extension of OpenStack Networking, by upstream's name and date."""

    alias: str
    name: str
    updated: str
    description: str


class MemberAction(NamedTuple):
    """A call on one object beside CRUD: PUT PATH/ID/NAME, with a body of exactly these attributes.

    `rule`: who may, by default; the rule has the action's name.  `answer`: the body of the answer, of this `shape`, of
    what `run` returns; None: the object, as a GET shows it.  `choice`: the body has one of the attributes at least, and
    not all of them.  `root`: the attributes are within a dictionary of this name.  `parts`: who may say an attribute,
    or a part of its values (`external_gateways:enable_snat`), beside who may call.
    """

    name: str
    summary: str
    rule: str
    takes: Mapping[str, Check]
    run: Callable[[Transaction, str, Mapping[str, Any], Means], Any]
    answer: Callable[[ResourceView, Any], dict[str, object]] | None = None
    shape: Schema | None = None
    choice: bool = False
    root: str = ""
    parts: tuple[tuple[str, str], ...] = ()

    @property
    def body(self) -> Schema:
        """The JSON Schema of the request."""
        properties = {name: of(check) for name, check in self.takes.items()}
        inner = closed(properties) | {"minProperties": 1} if self.choice else closed(properties, *properties)
        return closed({self.root: inner}, self.root) if self.root else inner


class Seed(NamedTuple):
    """An object that every project has: `there` tells whether one has it, `make` makes it."""

    there: Callable[[Model, str], bool]
    make: Callable[[Transaction, str, Means], object]


@dataclass(frozen=True)
class Resource:
    """`access`: who may do what by default.  What has no `create`, `update` or `delete` cannot be.

    `path`: in URLs, where that is not the plural.  `parent`: the resource below whose objects these are, at
    PARENT-PATH/ID/PATH; the row's `parent` names it (see `controller.model.rows.base`).  `key`: an attribute that names
    one below its parent in paths, too, as its id does.  `actions`: further calls.
    `forget`: a delete that is no transaction on tenants' objects; it gets the request and the id.
    `index`: names of attributes by which the model finds rows quickly, with the model's index.  `filters`: what may be
    asked of a list beside its attributes.  `finders`: by attributes that no one index has.  `on`: the row whose owner
    has a say over these, by default the row's parent.  `tagged`: it has tags.  `confirmed`: its objects have a status
    that tells whether switches have confirmed them.  `missing_to_guests`: who sees an object of another project and may
    not change it is told NotFound, as upstream does, and not Forbidden.  `seed`: made for a project before it reads a
    list.  `extensions`: those that are served because it is.
    """

    name: str
    plural: str
    kind: type[Row]
    not_found: str
    attributes: tuple[Attribute, ...]
    access: Access = Access()  # noqa: RUF009 - a value
    create: Create | None = None
    update: Update | None = None
    delete: Delete | None = None
    index: Mapping[str, str] = field(default_factory=dict)
    path: str = ""
    filters: Mapping[str, Filter] = field(default_factory=dict)
    finders: Mapping[str, Finder] = field(default_factory=dict)
    tagged: bool = False
    parent: Resource | None = None
    key: str = ""
    on: Reference | None = None
    actions: tuple[MemberAction, ...] = ()
    forget: Callable[[Any, str], None] | None = None
    confirmed: bool = False
    missing_to_guests: bool = False
    seed: Seed | None = None
    extensions: tuple[Extension, ...] = ()
    by_name: dict[str, Attribute] = field(init=False)
    shown: dict[str, Show] = field(init=False)
    show_all: ShowRow = field(init=False)

    def __post_init__(self) -> None:
        path = self.path or self.plural
        object.__setattr__(
            self, "path", f"{self.parent.path}/{{{self.parent.name}_id}}/{path}" if self.parent else path
        )
        object.__setattr__(self, "on", self.on or DECLARED[self.kind].parent)
        object.__setattr__(self, "by_name", {each.name: each for each in self.attributes})
        object.__setattr__(self, "shown", {each.name: each.show for each in self.attributes if each.show})
        object.__setattr__(self, "show_all", _showing([each for each in self.by_name.values() if each.show]))

    def part(self, model: Model, above: str, name: str) -> Row | None:
        """The object below the parent `above` that a path calls `name`."""
        found = [model.get(self.kind, name), *(model.find(self.kind, self.key, name) if self.key else ())]
        field_ = self.on.field if self.on is not None else ""
        return next((row for row in found if row is not None and getattr(row, field_) == above), None)

    @property
    def policy_name(self) -> str:
        """What its policies call it: `create_floatingip_port_forwarding` for a part of a floating IP, as upstream."""
        return f"{self.parent.policy_name}_{self.name}" if self.parent else self.name

    @property
    def operations(self) -> tuple[str, ...]:
        """Those of create, get, update and delete that it has."""
        has = {CREATE: self.create, GET: True, UPDATE: self.update, DELETE: self.delete or self.forget}
        return tuple(name for name, there in has.items() if there)

    @property
    def pattern(self) -> str:
        """Its path below `/v2.0/` as `Routes` has it."""
        return re.sub(r"\{\w+\}", "*", self.path)

    def show(
        self, view: ResourceView, row: Row, names: Collection[str] = (), hidden: Collection[str] = ()
    ) -> dict[str, object]:
        """What the API tells of a row; all of it, or the named attributes, but never what is hidden."""
        return self.showing(names, hidden)(view, row)

    def showing(self, names: Collection[str] = (), hidden: Collection[str] = ()) -> ShowRow:
        """`show` of many rows."""
        if not names and not hidden:
            return self.show_all
        return _showing(
            [self.by_name[name] for name in self.shown if (not names or name in names) and name not in hidden]
        )


def _showing(attributes: Sequence[Attribute]) -> ShowRow:
    """A function that shows these attributes of a row, in this order: fields are read in one go."""
    empty: dict[str, object] = dict.fromkeys(each.name for each in attributes)
    plain = [each for each in attributes if each.source]
    fields = attrgetter(*[each.source for each in plain]) if len(plain) > 1 else None
    names = [each.name for each in plain] if fields else []
    alone: list[tuple[str, Show]] = []
    together: dict[object, tuple[Callable[[ResourceView, Any], Sequence[object]], list[tuple[str, int]]]] = {}
    for each in attributes:
        if isinstance(each.show, Part):
            together.setdefault(each.show.whole, (each.show.whole, []))[1].append((each.name, each.show.place))
        elif each.show is not None and each.name not in names:
            alone.append((each.name, each.show))
    wholes = list(together.values())

    def show(view: ResourceView, row: Row) -> dict[str, object]:
        found = empty.copy()
        if fields is not None:
            found.update(zip(names, fields(row), strict=True))
        for name, one in alone:
            found[name] = one(view, row)
        for whole, parts in wholes:
            values = whole(view, row)
            for name, place in parts:
                found[name] = values[place]
        return found

    return show


class ShownRow(Mapping[str, Any]):
    """A row's attributes as the API shows them, each computed when it is read."""

    def __init__(self, resource: Resource, view: ResourceView, row: Row) -> None:
        self._shown = resource.shown
        self._view = view
        self._row = row

    def __getitem__(self, name: str) -> Any:
        return self._shown[name](self._view, self._row)

    def __contains__(self, name: object) -> bool:
        return name in self._shown

    def __iter__(self) -> Iterator[str]:
        return iter(self._shown)

    def __len__(self) -> int:
        return len(self._shown)


class Asked(NamedTuple):
    """One checked object of a body: for which project ("" when not said) and what is wished."""

    project_id: str
    request: dict[str, Any]


PROJECT = ("project_id", "tenant_id")


def read(resource: Resource, item: object, may: May, where: str, faults: dict[str, str]) -> Asked:
    """Check one object of a body.  What is wrong with it goes into `faults`, by its path below `where`."""
    if not isinstance(item, dict):
        faults[where] = f"{shown(item)} is not a dictionary"
        return Asked("", {})
    request: dict[str, Any] = {}
    for name, value in item.items():
        if len(faults) >= MAX_FAULTS:
            break
        found = resource.by_name.get(name)
        if found is None:
            faults[f"{where}.{name[:64]}"] = UNRECOGNIZED
        elif may not in found.may or found.check is None:
            faults[f"{where}.{name}"] = READ_ONLY if may is May.UPDATE else NOT_IN_POST
        else:
            try:
                checked = found.check(value)
            except Fault as fault:
                faults[f"{where}.{name}"] = TypedFault(str(fault), fault.kind)
            else:
                if found.request == SEVERAL:
                    request.update(checked)
                elif found.request:
                    request[found.request] = checked
    if may is May.CREATE:
        _require(resource, item, where, faults)
    return Asked(_project(item, request, where, faults), request)


class TypedFault(str):
    """A fault as text, with its error type (see `Fault`)."""

    def __new__(cls, said: str, kind: str) -> TypedFault:
        made = super().__new__(cls, said)
        made.kind = kind
        return made

    kind: str


UNRECOGNIZED = "unrecognized"
READ_ONLY = "read-only"
NOT_IN_POST = "not allowed in POST"


def _require(resource: Resource, item: dict[str, object], where: str, faults: dict[str, str]) -> None:
    for each in resource.attributes:
        if each.required and each.name not in item:
            faults[f"{where}.{each.name}"] = "is required, and not specified"


def _project(item: dict[str, object], request: dict[str, Any], where: str, faults: dict[str, str]) -> str:
    """The project that the body names under either of its names."""
    project = str(request.pop("project_id", ""))
    if len({item[name] for name in PROJECT if isinstance(item.get(name), str)}) > 1:
        faults[f"{where}.tenant_id"] = "'project_id' and 'tenant_id' do not match"
    return project


def refuse(faults: Mapping[str, str]) -> None:
    """Raise Invalid with every fault of a body, in the words that OpenStack Networking's clients know.

    Its type is that of the faults when all have the same one.
    """
    if not faults:
        return
    sentences = []
    unknown = [path for path, fault in faults.items() if fault is UNRECOGNIZED]
    if unknown:
        names = ", ".join(repr(_name(path)) for path in unknown[:MAX_FAULTS])
        sentences.append(f"Unrecognized attribute(s) {names}")
    for path, fault in list(faults.items())[:MAX_FAULTS]:
        if fault is UNRECOGNIZED:
            continue
        name = _name(path)
        if fault is READ_ONLY:
            sentences.append(f"Cannot update read-only attribute {name}")
        elif fault is NOT_IN_POST:
            sentences.append(f"Attribute '{name}' not allowed in POST")
        else:
            sentences.append(f"Invalid input for {name}. Reason: {fault}")
    detail = "; ".join(f"{path}: {fault}" for path, fault in list(faults.items())[:MAX_FAULTS])
    kinds = {getattr(fault, "kind", "") for fault in faults.values()}
    kind = kinds.pop() if len(kinds) == 1 else ""
    raise Invalid(". ".join(sentences) + ".", kind or BAD_REQUEST, detail, faults)


def _name(path: str) -> str:
    """`port.name` and `ports[3].name` are about `name`, `port` is about itself."""
    return path.partition(".")[2] or path

"""A toy resource, declared in this one file: shelves, and the books that are part of a shelf.

A shelf has an owner, a quota, tags and an action, is shared by RBAC policies, names a port, and causes a flow: frames
from its MAC address are dropped at that port.  A book is below its shelf.  `test_toy.py` runs the suites that enumerate
resources with this module as a plugin of pytest (`-p tests.toy`), in a process of their own.

Everything down to `plugin` would be the files of a real resource: its rows, its rules, its `Resource`s, its app.
"""

# ruff: noqa: E402 - rows are declared before what reads the declarations is imported, as in the product
from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import strategies as st

from controller.intent import sharing, standard, visibility
from controller.intent.env import Means
from controller.model.rows import Port, Standard
from controller.model.rows.base import SHARED, Reference, Seen, row
from controller.runtime.errors import Conflict, NotFound
from controller.store.transaction import Transaction

# --- rows (controller/model/rows/shelves.py) --------------------------------------------------------------------------


@row(
    "shelf",
    plural="Shelves",
    index=("port_id",),
    lookup=("project_id", "name", "tags"),
    refers=(Reference("port_id", "port"),),
    seen=Seen(shared=(SHARED,)),
    quota=5,
)
class Shelf(Standard, frozen=True, kw_only=True):
    """`mac`: no frame from it is taken at the port."""

    port_id: str = ""
    mac: str
    stamped: int = 0


@row(
    "book",
    lookup=("project_id", "shelf_id", "name", "tags"),
    parent=Reference("shelf_id", "shelf", "shelf", shown=True),
    seen=Seen(parent_owner=True, parent_shared=(SHARED,)),
    quota=5,
)
class Book(Standard, frozen=True, kw_only=True):
    shelf_id: str


# --- rules (controller/intent/shelves.py) -----------------------------------------------------------------------------


def _required(tx: Transaction, shelf_id: str) -> Shelf:
    shelf = tx.get(Shelf, shelf_id)
    if shelf is None:
        raise NotFound(f"Shelf {shelf_id[:64]} could not be found.", "ShelfNotFound")
    return shelf


def _check_port(tx: Transaction, request: Mapping[str, Any], means: Means) -> None:
    port_id = request.get("port_id", "")
    if port_id:
        missing = NotFound(f"Port {port_id[:64]} could not be found.", "PortNotFound")
        visibility.required(tx, Port, port_id, means, missing)


def create(tx: Transaction, project_id: str, request: dict[str, Any], means: Means) -> Shelf:
    _check_port(tx, request, means)
    common = standard.fields(project_id, request, means)
    shelf = Shelf(**common, mac=request["mac"], port_id=request.get("port_id", ""))
    tx.put(shelf)
    if request.get("shared"):
        sharing.everybody(tx, "shelf", shelf, SHARED, True, means)
    return shelf


def update(tx: Transaction, shelf_id: str, request: dict[str, Any], means: Means) -> Shelf:
    _check_port(tx, request, means)
    return standard.change(tx, _required(tx, shelf_id), request, means)


def delete(tx: Transaction, shelf_id: str, means: Means) -> None:
    shelf = _required(tx, shelf_id)
    tx.guard(f"shelf/{shelf_id}")
    if tx.model.count(Book, "shelf_id", shelf_id):
        raise Conflict(f"There are books on shelf {shelf_id}.", "Conflict")
    sharing.remove_all(tx, shelf_id)
    tx.delete(shelf)


def stamp(tx: Transaction, shelf_id: str, request: Mapping[str, Any], means: Means) -> Shelf:
    shelf = _required(tx, shelf_id)
    return standard.change(tx, shelf, {"stamped": shelf.stamped + len(request["ink"])}, means)


def create_book(tx: Transaction, project_id: str, request: dict[str, Any], means: Means) -> Book:
    shelf = _required(tx, request["shelf_id"])
    book = Book(**standard.fields(project_id, request, means), shelf_id=shelf.id)
    tx.reserve(f"shelf/{shelf.id}/{book.id}", book)
    tx.put(book)
    return book


def update_book(tx: Transaction, book_id: str, request: dict[str, Any], means: Means) -> Book:
    return standard.change(tx, _book(tx, book_id), request, means)


def delete_book(tx: Transaction, book_id: str, means: Means) -> None:
    book = _book(tx, book_id)
    tx.release(f"shelf/{book.shelf_id}/{book.id}")
    tx.delete(book)


def _book(tx: Transaction, book_id: str) -> Book:
    book = tx.get(Book, book_id)
    if book is None:
        raise NotFound(f"Book {book_id[:64]} could not be found.", "BookNotFound")
    return book


# --- resources (northbound/v2/shelves.py) -----------------------------------------------------------------------------

from northbound.checks import boolean, mac, text, uuid
from northbound.resource import Attribute, Extension, May, MemberAction, Resource, ResourceView, attribute
from northbound.rules import ADMIN, CREATE, MEMBER, READER, Access, any_of, of_attributes
from northbound.schema import WHOLE, closed
from northbound.structures import nullable
from northbound.v2 import catalogue
from northbound.v2.common import IDENTITY, OWNED, STANDARD, UUID, optional, shared, tagged


def _books(view: ResourceView, shelf: Shelf) -> list[str]:
    return [book.id for book in view.model.find(Book, "shelf_id", shelf.id)]


def _stamped(view: ResourceView, shelf: Shelf) -> dict[str, object]:
    return {"stamped": shelf.stamped}


SHELVES = Resource(
    name="shelf",
    plural="shelves",
    kind=Shelf,
    not_found="ShelfNotFound",
    attributes=(
        *IDENTITY,
        attribute("mac", mac, May.SET, required=True),
        optional("port_id", nullable(uuid, ""), May.SET),
        attribute("stamped", shape=WHOLE),
        Attribute("books", _books, shape={"type": "array", "items": UUID}),
        shared(May.CREATE, boolean),
        tagged(),
        *STANDARD,
    ),
    access=Access(
        get=any_of(READER, "role:reader and field:shelf:shared=True"),
        attributes=of_attributes(((CREATE,), "shared", ADMIN)),
    ),
    create=create,
    update=update,
    delete=delete,
    actions=(
        MemberAction(
            "stamp", "Stamp a shelf", MEMBER, {"ink": text}, stamp, _stamped, closed({"stamped": WHOLE}, "stamped")
        ),
    ),
    index={**OWNED, "name": "name", "port_id": "port_id"},
    tagged=True,
    extensions=(Extension("toy", "Toy", "2026-01-01T00:00:00-00:00", "Shelves and books."),),
)

BOOKS = Resource(
    name="book",
    plural="books",
    kind=Book,
    not_found="BookNotFound",
    attributes=(*IDENTITY, attribute("shelf_id", shape=UUID), tagged(), *STANDARD),
    access=Access(
        create=any_of(ADMIN, "role:member and project_id:%(shelf:project_id)s"),
        get=any_of(
            READER, "role:reader and project_id:%(shelf:project_id)s", "role:reader and field:shelf:shared=True"
        ),
    ),
    create=create_book,
    update=update_book,
    delete=delete_book,
    parent=SHELVES,
    index={**OWNED, "name": "name", "shelf_id": "shelf_id"},
    tagged=True,
)

# --- app (apps/shelves.py) --------------------------------------------------------------------------------------------

from apps.pipeline import CLASSIFY, HIGH
from controller.compile import catalogue as apps
from controller.flow import Flow, field
from controller.model.reader import Reader

flows: list[Flow] = []  # every one that was computed, for the test


def port(port: Port, see: Reader) -> Iterator[Flow]:
    at = see.binding(port)
    if at is None:
        return
    for mac_address in sorted({shelf.mac for shelf in see.find(Shelf, "port_id", port.id)}):
        flows.append(Flow(CLASSIFY, HIGH, (field("in_port", at.ofport), field("eth_src", mac_address))))
        yield flows[-1]


ON_SWITCH = {"port": port}

# --- the three lines elsewhere: two are these, the third is in controller/model/rows/__init__.py ----------------------

catalogue.RESOURCES += [SHELVES, BOOKS]
apps._ALL += (sys.modules[__name__],)

# --- plugin: what the tests need to make such objects ----------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    from tests import strategies
    from tests.api.samples import SAMPLES

    SAMPLES["shelf"] = lambda an, n: {"name": f"n{n}", "mac": f"02:00:00:00:01:{n:02x}", "port_id": an("port")}
    SAMPLES["book"] = lambda an, n: {"name": f"n{n}"}
    shelves = st.builds(
        lambda row_id, mac_address, port_id: Shelf(id=row_id, project_id="t", mac=mac_address, port_id=port_id),
        st.sampled_from(["s0", "s1", "s2"]), st.sampled_from(strategies.MACS), st.sampled_from(strategies.PORTS),
    )  # fmt: skip
    strategies.rows = st.one_of(strategies.rows, shelves)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    terminalreporter.write_line(f"toy: {len(flows)} flows")

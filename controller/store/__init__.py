"""The store: ordered, revisioned rows.  `store` is the contract, `open_store` selects the engine."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from controller.runtime.errors import Misconfigured
from controller.store.etcd_url import is_etcd, parse
from controller.store.sqlite import SqliteStore
from controller.store.sqlite_file import open_file
from controller.store.sqlite_file import snapshot as read_file
from controller.store.store import Store, Stored

_SQLITE = "sqlite:///"


def is_shared(url: str) -> bool:
    """Whether several processes can use the store at `url` at once."""
    return is_etcd(url)


def open_store(url: str) -> Store:
    """The store at `url`: `sqlite:///PATH`, where PATH is relative, or absolute when it begins with a slash; or etcd's,
    see `etcd_url`.

    Raises Misconfigured with one line that says why it cannot be opened.
    """
    if is_etcd(url):
        address = parse(url)
        from controller.store.etcd import EtcdStore  # after the process has patched its sockets

        return EtcdStore(address)
    path = _path(url)
    file = open_file(path)
    try:
        return SqliteStore(file)
    except sqlite3.Error as error:  # a damaged file: opening reads every key
        file.close()
        raise Misconfigured(f"store {path}: {error}") from error


def snapshot(url: str) -> tuple[int, list[Stored]]:
    """Revision and all rows of a store, which may be in use by a controller."""
    if not is_etcd(url):
        return read_file(_path(url))
    with closing(open_store(url)) as store:
        return store.everything()


def _path(url: str) -> Path:
    path = url.removeprefix(_SQLITE)
    if path == url or not path or path.endswith("/") or "\0" in path:
        raise Misconfigured(f"[store] url = {url!r}: not of the form sqlite:///PATH or etcd://HOST:PORT/PREFIX")
    return Path(path)

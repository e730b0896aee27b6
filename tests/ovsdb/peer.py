"""Peers that are not ovsdb-server: what they send is up to the test."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from typing import Any

from controller.ovsdb.framing import Framer
from controller.runtime import hub
from tests.ovsdb.database import Database


@contextlib.contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), 20) as sock:
        yield sock


def ended(sock: socket.socket, seconds: float = 10.0) -> bool:
    """Does the other side close the connection within this time?"""
    with hub.Timeout(seconds, False):
        try:
            while sock.recv(65536):
                pass
        except ConnectionError:
            pass
        return True
    return False


class Peer:
    """Speaks the protocol rightly, until told otherwise, over a database in memory.

    `silent`: answers nothing.  `unmonitored`: not `monitor`.  `refuse`: the error that a transaction is answered with.
    """

    def __init__(self, sock: socket.socket, db: Database) -> None:
        self.silent = False
        self.unmonitored = False
        self.refuse: Any = None
        self.transactions = 0
        self._sock = sock
        self._db = db
        self._gone = hub.Signal()
        self._thread = hub.spawn(self._serve)

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        hub.kill(self._thread)  # before the socket is closed, for eventlet would let it wait for ever

    def ended(self, seconds: float = 10.0) -> bool:
        """Does the other side close the connection within this time?"""
        return self._gone.wait(seconds)

    def send(self, message: Any) -> None:
        self._sock.sendall(json.dumps(message).encode())

    def notify(self, updates: Any) -> None:
        self.send({"id": None, "method": "update", "params": ["tenet", updates]})

    def _serve(self) -> None:
        framer = Framer()
        with contextlib.suppress(OSError, EOFError):
            while data := self._sock.recv(65536):
                for text in framer.feed(data):
                    if not self.silent:
                        self._answer(json.loads(text))
        self._gone.set()

    def _answer(self, message: Any) -> None:
        result: Any = message.get("params")
        if message.get("method") == "monitor" and self.unmonitored:
            return
        if message.get("method") == "monitor":
            result = everything(self._db)
        elif message.get("method") == "transact" and message["params"][1]["op"] == "select":
            ids = self._db.rows["Open_vSwitch", self._db.root]["external_ids"]
            result = [{"rows": [{"_uuid": ["uuid", self._db.root], "external_ids": ids}]}]
        elif message.get("method") == "transact":
            self.transactions += 1
            result = [{}] if self.refuse is None else [{}, self.refuse]
        elif message.get("method") != "echo":
            return
        self.send({"id": message["id"], "result": result, "error": None})


def everything(db: Database) -> Any:
    updates: dict[str, Any] = {}
    for (table, uuid), row in db.rows.items():
        updates.setdefault(table, {})[uuid] = {"new": row}
    return updates

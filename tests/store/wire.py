"""A wire between a store and one member of etcd that can be cut, or lose the answer to a commit."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

from controller.runtime import hub


class Wire:
    def __init__(self, port: int) -> None:
        """`port`: the member's, on loopback."""
        self._to = port
        self._listener: Any = hub.listen(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.cut = False
        self.answers_to_lose = 0  # of those to transactions, the next ones
        self._open: set[Any] = set()
        self._threads = [hub.spawn(self._accept)]

    def cut_now(self) -> None:
        """Drop every connection, and take none until `mend`."""
        self.cut = True
        self._end(*self._open)

    def mend(self) -> None:
        self.cut = False

    def close(self) -> None:
        self.cut_now()
        for thread in self._threads[1:]:
            thread.wait()
        hub.kill(self._threads[0])
        self._listener.close()

    def _accept(self) -> None:
        while True:
            near, _ = self._listener.accept()
            if self.cut:
                near.close()
                continue
            self._threads.append(hub.spawn(self._connect, near))

    def _connect(self, near: Any) -> None:
        far = hub.connect(("127.0.0.1", self._to))
        self._open |= {near, far}
        last = [b""]  # path of the last request
        answers = hub.spawn(self._answer, near, far, last)
        with suppress(OSError):
            while data := near.recv(65536):
                if data.startswith(b"POST "):
                    last[0] = data.split(b" ", 2)[1]
                far.sendall(data)
        self._end(near, far)
        answers.wait()
        self._open -= {near, far}
        near.close()
        far.close()

    def _answer(self, near: Any, far: Any, last: list[bytes]) -> None:
        with suppress(OSError):
            while data := far.recv(65536):
                if self.answers_to_lose and last[0] == b"/v3/kv/txn":
                    self.answers_to_lose -= 1
                    break
                near.sendall(data)
        self._end(near, far)

    def _end(self, *sockets: Any) -> None:
        """Both ends see that it is over; whoever waits for one of them closes it."""
        for each in sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

"""Response of a WSGI application, written to the client as it comes (PEP 3333; RFC 9112, 6 and 7)."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable
from email.utils import formatdate

from .writer import Writer

BODILESS = (204, 304)  # statuses whose responses end with the head (RFC 9110, 6.4.1)


class WireResponse:
    """`begun` is empty until the head is written; then nothing of it can be changed."""

    def __init__(self, writer: Writer, method: str, minor: int, keeps: Callable[[bool], bool]) -> None:
        """`minor`: of the client's HTTP/1.  `keeps(wanted)`: whether the connection stays open after this response;
        `wanted` is False where the response cannot be told from what follows it.
        """
        self.begun: list[int] = []
        self._writer = writer
        self._method = method
        self._minor = minor
        self._keeps = keeps
        self._status = ""
        self._headers: list[tuple[str, str]] = []
        self._bodiless = False
        self._chunked = False

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Callable[[bytes], None]:
        """`start_response` of PEP 3333."""
        self._status, self._headers = status, headers
        self._bodiless = self._method == "HEAD" or int(status[:3]) in BODILESS
        return self._write

    def send(self, parts: Iterable[bytes]) -> None:
        """Write each part as it comes, the head with the first.  Raises OSError."""
        for part in parts:
            if part:
                self._write(part)
        if self._chunked:
            self._writer.send(b"0\r\n\r\n")
        elif not self.begun:
            self._writer.send(self._head() + (b"0\r\n\r\n" if self._chunked else b""))

    def _write(self, data: bytes) -> None:
        head = b"" if self.begun else self._head()
        if self._bodiless:
            data = b""
        elif self._chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        self._writer.send(head + data)

    def _head(self) -> bytes:
        self.begun.append(1)
        lines = [f"HTTP/1.1 {self._status}"]
        known = self._bodiless
        wanted = True
        for name, value in self._headers:
            lines.append(f"{name}: {value}")
            if name == "Content-Length":
                known = True
            elif name == "Connection":
                wanted = value != "close"
        lines.append(f"Date: {_date(int(time.time()))}")
        if not known and self._minor:
            self._chunked = known = True
            lines.append("Transfer-Encoding: chunked")
        if not self._keeps(wanted and known):
            if wanted:
                lines.append("Connection: close")
        elif not self._minor:
            lines.append("Connection: keep-alive")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@functools.lru_cache(maxsize=1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)

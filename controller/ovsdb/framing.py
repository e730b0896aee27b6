"""JSON-RPC framing: JSON texts out of a byte stream, by the balanced brackets of their objects.

One regular expression walks over brackets and whole strings; no byte is looked at twice, however the stream is cut into
pieces.  What a text says is `msgspec`'s to read; here are only its bounds: length and depth.
"""

from __future__ import annotations

import re

from controller.runtime.errors import SwitchError

STRANGER_LIMIT = 1 << 20  # bytes of a message before its peer is admitted
LENGTH_LIMIT = 8 << 20  # bytes afterwards; the monitored columns of 10,000 interfaces are 5 MB
DEPTH_LIMIT = 32  # the deepest OVSDB message, a transaction, has 10

_BODY = rb'[^"\\]*+(?:\\.[^"\\]*+)*+("?)'  # a string, to its end or to the end of the data so far
_TOKEN = re.compile(rb'"' + _BODY + rb"|[{}\[\]]", re.DOTALL)
_REST = re.compile(_BODY, re.DOTALL)
_SPACE = b" \t\r\n"
_OPEN, _OPEN_LIST, _QUOTE = ord("{"), ord("["), ord('"')


class MalformedJson(SwitchError):
    """Input that violates the protocol; its connection must be closed."""


class Framer:
    """Splitter of a byte stream into complete JSON objects, as text."""

    def __init__(self, length_limit: int = LENGTH_LIMIT, depth_limit: int = DEPTH_LIMIT) -> None:
        self.length_limit = length_limit
        self._depth_limit = depth_limit
        self._held = bytearray()  # from the start of the first incomplete object
        self._at = 0  # offset up to which `_held` has been scanned
        self._depth = 0
        self._in_string = False

    def feed(self, data: bytes) -> list[bytes]:
        """Objects that `data` completes.  Raises `MalformedJson` at the first byte that no object can contain."""
        self._held += data
        ends = self._ends()
        texts = [bytes(self._held[start:end]) for start, end in zip([0, *ends], ends, strict=False)]
        if ends:
            del self._held[: ends[-1]]
            self._at -= ends[-1]
        if not self._depth:
            self._between(0, len(self._held))
            self._held.clear()
            self._at = 0
        if any(len(text) > self.length_limit for text in (*texts, self._held)):
            raise MalformedJson(f"message of more than {self.length_limit} bytes")
        return texts

    def _ends(self) -> list[int]:
        """Offsets in `_held`, from `_at` on, at which an object ends."""
        ends: list[int] = []
        held, last = self._held, 0
        if self._in_string and not self._finish_string():
            return ends
        for token in _TOKEN.finditer(held, self._at):
            first = held[token.start()]
            if not self._depth:
                self._between(last, token.start())
                if first != _OPEN:
                    raise MalformedJson("not a JSON object")
            self._at = token.end()
            if first == _QUOTE:
                self._in_string = not token[1]
            elif first in (_OPEN, _OPEN_LIST):
                self._depth += 1
                if self._depth > self._depth_limit:
                    raise MalformedJson(f"message nested more than {self._depth_limit} deep")
            else:
                self._depth -= 1
                if not self._depth:
                    last = self._at
                    ends.append(last)
        if not self._in_string:
            self._at = len(held)
        return ends

    def _finish_string(self) -> bool:
        rest = _REST.match(self._held, self._at)
        assert rest is not None  # it matches nothing, too
        self._at = rest.end()
        self._in_string = not rest[1]
        return not self._in_string

    def _between(self, start: int, end: int) -> None:
        if self._held[start:end].strip(_SPACE):
            raise MalformedJson("not a JSON object")

"""JSON decoding in parts, between which other green threads have their turn."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from controller.runtime import hub

SHORT = 32 << 10  # bytes decoded at a time, in less than a millisecond
TURN = 0.005  # seconds of decoding after which other green threads run

_PARTS: dict[int, Any] = {
    ord("{"): msgspec.json.Decoder(dict[str, msgspec.Raw]),
    ord("["): msgspec.json.Decoder(list[msgspec.Raw]),
}


def decode(text: bytes) -> Any:
    """Decoded value of a JSON text.  Raises what `msgspec.json.decode` does."""
    return msgspec.json.decode(text) if len(text) <= SHORT else _Long().value(text.lstrip(b" \t\r\n"))


class _Long:
    def __init__(self) -> None:
        self._turn = time.monotonic() + TURN

    def value(self, text: bytes | msgspec.Raw) -> Any:
        if time.monotonic() > self._turn:
            hub.sleep(0)
            self._turn = time.monotonic() + TURN
        parts = _PARTS.get(bytes(memoryview(text)[:1])[0]) if len(memoryview(text)) > SHORT else None
        if parts is None:
            return msgspec.json.decode(text)
        found = parts.decode(text)
        if isinstance(found, dict):
            return {name: self.value(part) for name, part in found.items()}
        return [self.value(part) for part in found]

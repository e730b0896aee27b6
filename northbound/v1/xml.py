"""XML codec: {"network": {"id": "x", "ports": [...]}} is <network id="x"><ports><port .../></ports></network>."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from ..errors import bad_request

MAX_DEPTH = 8
MAX_ELEMENTS = 1_000
# Characters that XML 1.0 does not allow, not even escaped (section 2.2).
_UNSAYABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def write(body: Mapping[str, Any], namespace: str) -> Iterator[bytes]:
    """Encoded parts of a document.  `body` has one key, the root element."""
    ((root, value),) = body.items()
    yield b'<?xml version="1.0" encoding="UTF-8"?>\n'
    for part in _element(root, value, f" xmlns={quoteattr(namespace)}"):
        yield part.encode()


def _element(name: str, value: Any, extra: str = "") -> Iterator[str]:
    """Encoded parts of one element.  Scalars of a dictionary become attributes, other values child elements; a list
    `ports` has elements `port`.
    """
    yield f"<{name}{extra}"
    inside: list[tuple[str, Any]] = []
    if isinstance(value, Mapping):
        for key, each in value.items():
            if isinstance(each, Mapping | list | tuple):
                inside.append((key, each))
            else:
                yield f" {key}={quoteattr(_UNSAYABLE.sub(chr(0xFFFD), str(each)))}"
    else:
        inside = [(name.removesuffix("s"), each) for each in value]
    if not inside:
        yield "/>"
        return
    yield ">"
    for key, each in inside:
        yield from _element(key, each)
    yield f"</{name}>"


def read(data: bytes, namespace: str) -> dict[str, Any]:
    """Decode a document.  Attributes and child elements are equivalent; an element with text only becomes that text.

    Raises HttpError: not well-formed, with a document type (so no entities), too deep, too large, another namespace.
    """
    reader = _Reader(namespace)
    try:
        reader.parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise bad_request(f"Malformed request body: {error}.") from None
    return reader.root


class _Reader:
    """Handler of expat's events that builds dictionaries."""

    def __init__(self, namespace: str) -> None:
        self.root: dict[str, Any] = {}
        self._namespaces = ("", namespace)
        self._open: list[tuple[dict[str, Any], list[str]]] = [(self.root, [])]
        self._count = 0
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.EntityDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def _refuse(self, *about: object) -> None:
        raise bad_request("Malformed request body: a document type is not allowed.")

    def _local(self, name: str) -> str:
        namespace, _, local = name.rpartition(" ")
        if namespace not in self._namespaces:
            raise bad_request(f"Malformed request body: unknown namespace {namespace[:80]!r}.")
        return local

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) > MAX_DEPTH or self._count > MAX_ELEMENTS or len(attributes) > MAX_ELEMENTS:
            raise bad_request("Malformed request body: it has too many elements.")
        self._open.append(({self._local(key): value for key, value in attributes.items()}, []))

    def _end(self, name: str) -> None:
        content, text = self._open.pop()
        outer, _ = self._open[-1]
        joined = "".join(text).strip()
        if self._local(name) in outer:
            raise bad_request(f"Malformed request body: {self._local(name)[:80]!r} is given twice.")
        outer[self._local(name)] = joined if joined and not content else content

    def _text(self, text: str) -> None:
        self._open[-1][1].append(text)

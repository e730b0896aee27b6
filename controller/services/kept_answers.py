"""Answers to DNS questions that are kept while the rows they follow from are the same objects.

dnspython takes 0.2 ms for an answer.  The same question has the same answer until a commit changes what was read for
it; rows are frozen, so that the same object says the same.  What a client draws anew for each question makes it no
other one: its id, upper and lower case of its name, options of EDNS such as cookies.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

from controller.model.model import Model
from controller.model.rows import Port, Row

from .dns import Forward, Resolver, resolve

R = TypeVar("R", bound=Row)
MOST, OF_PROJECT = 8192, 1024  # answers that are kept, and those of one project
LONGEST = 512  # bytes of a question and of an answer that are kept
_HEADER = 12  # bytes
_ONE, _ONE_EXTENDED = b"\0\1" + bytes(6), b"\0\1" + bytes(5) + b"\1"  # counts: a question; and a record beside it
_OPT, _OPT_SIZE = b"\0\0\x29", 11  # its name and type; without options (RFC 6891, 6.1.2)
_Key = tuple[object, ...]
_Read = tuple[type[Row], str, object, Any]  # kind, index ("" for the id), value, and the row or rows found


class _Kept(NamedTuple):
    revision: int  # of the model, when it was last seen to be so
    reads: tuple[_Read, ...]
    answer: bytes | Forward


class KeptAnswers:
    """`resolve` with a memory.  One for all switches; bounded in all and for each project."""

    def __init__(self, model: Model, resolver: Resolver) -> None:
        self._model = model
        self._resolver = resolver
        self._kept: dict[str, dict[_Key, _Kept]] = {}  # by project
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def resolve(self, wire: bytes, port: Port, tcp: bool = False) -> bytes | Forward:
        """As `dns.resolve`.  Raises Unanswerable."""
        if len(wire) > LONGEST:
            return resolve(wire, port, self._model, self._resolver, tcp)
        asked, end = usual(wire)
        key = (port.network_id, port.dns_domain, port.dns_keywords, tcp, asked)
        kept = self._kept.get(port.project_id, {}).get(key)
        if kept is None or (kept.revision != self._model.revision and not self._still(key, port.project_id, kept)):
            answer = self._made(key, wire[:2] + asked, port, tcp)
        else:
            answer = kept.answer
        name = wire[_HEADER:end]
        if isinstance(answer, Forward):
            return answer._replace(wire=_renamed(answer.wire, name))
        return wire[:2] + _renamed(answer, name)[2:]

    def _still(self, key: _Key, project_id: str, kept: _Kept) -> bool:
        """Whether all that was read is as it was."""
        model = self._model
        for kind, index, value, found in kept.reads:
            if not index:
                if model.get(kind, str(value)) is not found:
                    return False
                continue
            rows = model.find(kind, index, value)
            if len(rows) != len(found) or any(row is not was for row, was in zip(rows, found, strict=True)):
                return False
        self._kept[project_id][key] = kept._replace(revision=model.revision)
        return True

    def _made(self, key: _Key, wire: bytes, port: Port, tcp: bool) -> bytes | Forward:
        reads = _Recorded(self._model)
        answer = resolve(wire, port, reads, self._resolver, tcp)
        if isinstance(answer, Forward) or len(answer) <= LONGEST:
            self._keep(key, port.project_id, _Kept(self._model.revision, tuple(reads.reads), answer))
        return answer

    def _keep(self, key: _Key, project_id: str, kept: _Kept) -> None:
        own = self._kept.get(project_id, {})
        if key not in own:
            if len(own) >= OF_PROJECT:
                del own[next(iter(own))]  # the oldest
                self._count -= 1
            elif self._count >= MOST:
                self._count -= len(self._kept.pop(next(iter(self._kept))))
            self._count += 1
        self._kept.setdefault(project_id, {})[key] = kept


def usual(wire: bytes) -> tuple[bytes, int]:
    """A message without its id, its one question's name in lower case, and without options of EDNS; and where that name
    ends.  One of another form, as it is; and 0.
    """
    counts, place = wire[4:_HEADER], _HEADER
    if counts not in (_ONE, _ONE_EXTENDED):
        return wire[2:], 0
    size = len(wire)
    while place < size and 0 < wire[place] < 64:
        place += wire[place] + 1
    if place >= size or wire[place]:
        return wire[2:], 0
    end, rest = place + 1, wire[place + 5 :]
    if counts == _ONE_EXTENDED:
        if rest[:3] != _OPT or len(rest) < _OPT_SIZE or _OPT_SIZE + int.from_bytes(rest[9:11], "big") != len(rest):
            return wire[2:], 0
        rest = rest[:9] + b"\0\0"
    return wire[2:_HEADER] + wire[_HEADER:end].lower() + wire[end : place + 5] + rest, end


def _renamed(message: bytes, name: bytes) -> bytes:
    """A message whose question has this name, of the same length, where it has one."""
    if not name or message[4:6] != b"\0\1":
        return message
    return message[:_HEADER] + name + message[_HEADER + len(name) :]


class _Recorded:
    """Reads of a model, with what they found."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.reads: list[_Read] = []

    def get(self, kind: type[R], row_id: str) -> R | None:
        found = self._model.get(kind, row_id)
        self.reads.append((kind, "", row_id, found))
        return found

    def find(self, kind: type[R], index: str, value: object) -> list[R]:
        found = self._model.find(kind, index, value)
        self.reads.append((kind, index, value, tuple(found)))
        return found

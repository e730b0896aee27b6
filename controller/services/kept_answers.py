"""Answers to DNS questions that are kept while the rows they follow from are the same objects.

dnspython takes 0.2 ms for an answer.  The same question, but for its id, has the same answer until a commit changes
what was read for it; rows are frozen, so that the same object says the same.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

from controller.model.model import Model
from controller.model.rows import Port, Row

from .dns import Forward, Resolver, resolve

R = TypeVar("R", bound=Row)
MOST, OF_PROJECT = 8192, 1024  # answers that are kept, and those of one project
LONGEST = 512  # bytes of a question and of an answer that are kept
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
        key = (port.network_id, port.dns_domain, port.dns_keywords, tcp, wire[2:])
        kept = self._kept.get(port.project_id, {}).get(key)
        if kept is None or (kept.revision != self._model.revision and not self._still(key, port.project_id, kept)):
            return self._made(key, wire, port, tcp)
        return kept.answer if isinstance(kept.answer, Forward) else wire[:2] + kept.answer

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
        if isinstance(answer, Forward):
            self._keep(key, port.project_id, _Kept(self._model.revision, tuple(reads.reads), answer))
        elif len(answer) <= LONGEST:
            self._keep(key, port.project_id, _Kept(self._model.revision, tuple(reads.reads), answer[2:]))
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

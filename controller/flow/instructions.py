"""The instructions of a flow on the wire: OpenFlow 1.3.5 section 7.2.4."""

from __future__ import annotations

from functools import lru_cache
from operator import attrgetter
from struct import pack

from .action import Action
from .fields import MEMO

_wire = attrgetter("wire")
GOTO = [pack("!HHB3x", 1, 8, table) for table in range(255)]


def instructions(
    actions: tuple[Action, ...], metadata: tuple[int, int] | None, goto: int | None, meter: int = 0
) -> bytes:
    """Meter, apply-actions, write-metadata (value, mask), goto-table: in the order of Open vSwitch's dumps."""
    done = pack("!HHI", 6, 8, meter) if meter else b""
    if actions:
        body = b"".join(map(_wire, actions))
        done += pack("!HH4x", 4, 8 + len(body)) + body
    if metadata is not None:
        done += write_metadata(*metadata)
    return done if goto is None else done + GOTO[goto]


@lru_cache(MEMO)
def write_metadata(value: int, mask: int) -> bytes:
    return pack("!HH4xQQ", 2, 24, value, mask)

"""Owners of conntrack zones: the zone of a filtered port is its key, and one flow a port says whose it is.

No packet comes to this table.  Before such a flow comes, and when it is gone, whoever programs the switch empties the
zone (controller/reconcile/zones.py), so the flow must depend on nothing but the key and the port
(docs/decisions/0105-zones-have-owners.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

from controller.flow import Flow, field, note
from controller.model.reader import Reader
from controller.model.rows import Port

from .pipeline import USUAL, ZONES

_NOTED = 14  # bytes of an owner's digest: as long as a note may be without padding


def port(port: Port, see: Reader) -> Iterator[Flow]:
    at = see.binding(port)
    if at is not None and port.filtered:
        owner = blake2b(port.id.encode(), digest_size=_NOTED).digest()
        yield Flow(ZONES, USUAL, (field("ct_zone", at.port_key),), (note(owner),))


ON_SWITCH = {"port": port}

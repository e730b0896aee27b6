"""A frame: a map from field to number, without the fields that are 0.

What is below a label has names that begin with `below.`; what an ICMP error quotes, with `inner.`.  Three names are no
fields of a match: `length` (bytes, its Ethernet header counted; 0: small), `icmp_id` of an echo, and what begins with
`hidden.`: what the datapath knows of a packet and the tables do not, because it has not been looked up since.
"""

from __future__ import annotations

from ..fields import FIELDS, Subfield
from ..spec import FRAME, SWITCH, TRACKED

Frame = dict[str, int]

BELOW, INNER, HIDDEN = "below.", "inner.", "hidden."
OWN = frozenset(spec.name for spec in FIELDS.values() if spec.home in (SWITCH, TRACKED))  # does not leave the switch
OUTSIDE = frozenset(spec.name for spec in FIELDS.values() if spec.home != FRAME)  # no part of the frame itself
OF_TRACKER = frozenset(spec.name for spec in FIELDS.values() if spec.home == TRACKED)
STATE = (f"{HIDDEN}ct_state", f"{HIDDEN}ct_zone")  # what the tracker last said, whatever the tables know of it
LABEL = ("mpls_label", "mpls_tc", "mpls_bos", "mpls_ttl")


def read(frame: Frame, part: Subfield) -> int:
    """The value of some bits of a field."""
    spec, value = part.spec, 0
    for name in spec.parts or (spec.name,):
        value = value << 32 | frame.get(name, 0)
    return value >> part.first & (1 << part.bits) - 1


def write(frame: Frame, part: Subfield, value: int) -> None:
    """Set some bits of a field."""
    spec, mask = part.spec, (1 << part.bits) - 1 << part.first
    whole = read(frame, Subfield(spec, 0, spec.bits)) & ~mask | value << part.first & mask
    for name in reversed(spec.parts):
        _set(frame, name, whole & 0xFFFFFFFF)
        whole >>= 32
    if not spec.parts:
        _set(frame, spec.name, whole)


def _set(frame: Frame, name: str, value: int) -> None:
    if frame.get(name, 0) != value:
        frame.pop(HIDDEN + name, None)  # what is set anew is set in the datapath, too
    frame[name] = value


def of_datapath(frame: Frame) -> Frame:
    """The frame as it is in the datapath: what was translated without a new lookup is translated."""
    if not any(name.startswith(HIDDEN) for name in frame):
        return dict(frame)
    known = {name: value for name, value in frame.items() if not name.startswith(HIDDEN) or name in STATE}
    changed = {name.removeprefix(HIDDEN): value for name, value in frame.items() if name.startswith(HIDDEN)}
    return {**known, **{name: value for name, value in changed.items() if HIDDEN + name not in STATE}}


def outside(frame: Frame) -> Frame:
    """The fields that a frame has once it has left the switch, and a tunnel's."""
    return {
        name: value
        for name, value in of_datapath(frame).items()
        if value and name not in OWN and not name.startswith(HIDDEN)
    }

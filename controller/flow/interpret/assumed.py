"""A tracker that says of every packet what one assumes of it: for questions without a history."""

from __future__ import annotations

from typing import NamedTuple

from .ends import addresses_of, ends_of, with_ends
from .frame import Frame
from .tracker import DNAT, EST, NEW, REL, RPL, SNAT, TRK, TrackRequest, TrackVerdict

STATES = {"new": NEW, "established": EST, "reply": EST | RPL, "related": REL}


class Assumed(NamedTuple):
    """`state`: new, established (in the direction of its first packet), reply, or related.  A new connection that is
    committed with NAT gets the first address and port of the range.
    """

    state: str = "new"
    mark: int = 0

    def track(self, frame: Frame, request: TrackRequest) -> TrackVerdict:
        tracked: Frame = {"ct_state": STATES[self.state] | TRK, "ct_zone": request.zone, "ct_mark": self.mark}
        if request.commit:
            value, mask = request.mark
            tracked["ct_mark"] = self.mark & ~mask | value & mask
            tracked["ct_label"] = request.label[0] & request.label[1]
        nat, ends = request.nat, ends_of(frame)
        if self.state != "new" or nat is None or not nat.side or ends is None or not nat.addresses:
            return TrackVerdict(tracked, {}, self)
        address, port = addresses_of(nat)[0], nat.ports[0] if nat.ports else 0
        if nat.side == "src":
            changed = ends._replace(source=address, source_port=port or ends.source_port)
        else:
            changed = ends._replace(target=address, target_port=port or ends.target_port)
        tracked["ct_state"] |= SNAT if nat.side == "src" else DNAT
        return TrackVerdict(tracked, with_ends(frame, changed), self)

"""Admission of OpenFlow connections: which datapath a peer may be, and which unknown datapaths become switches."""

from __future__ import annotations

from typing import NamedTuple

from controller.model.model import Model
from controller.model.rows import Bridge, Switch
from controller.runtime.certificates import Names, shown


class Admission(NamedTuple):
    """Admission of datapaths.

    `bind`: over TLS, a datapath that a database reports needs a certificate for that database's system-id.  `adopt`:
    datapaths that no database reports become switches, `most` at most; otherwise they are refused.
    """

    model: Model
    bind: bool = True
    adopt: bool = True
    most: int = 2000

    def why_not(self, dpid: int, names: Names) -> str:
        """Reason to refuse a datapath to a peer whose certificate has these names; "" to accept it."""
        owner = self._owner(dpid)
        if not owner or names is None or not self.bind or owner in names:
            return ""
        return f"its certificate is of {shown(names)}, and datapath {dpid:016x} is of {owner}"

    def why_not_adopt(self, dpid: int) -> str:
        """Reason not to adopt a datapath; "" to adopt it."""
        if self._owner(dpid):
            return ""  # a database reports it as a bridge that Tenet does not program
        if not self.adopt:
            return f"no database has told of datapath {dpid:016x}, and [openflow] adopt is false"
        count = sum(is_adopted(switch) for switch in self.model.rows(Switch).values())
        if count >= self.most:
            return f"datapath {dpid:016x} would be one more than {self.most} that no database has told of"
        return ""

    def _owner(self, dpid: int) -> str:
        """System-id of the database that reports a datapath; "" if none does."""
        for switch in self.model.find(Switch, "dpid", dpid):
            if not is_adopted(switch):
                return switch.id
        bridge = self.model.get(Bridge, f"{dpid:016x}")
        return bridge.system_id if bridge else ""


def is_adopted(switch: Switch) -> bool:
    """Whether the switch is known over OpenFlow alone (no database reports it)."""
    return switch.id == f"{switch.dpid:016x}"

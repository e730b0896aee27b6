"""What a database says of a bridge that is not Tenet's own: Mininet's, say."""

from __future__ import annotations

import msgspec

from .row import Row


class Plugged(msgspec.Struct, frozen=True, array_like=True):
    """An OVS port of the bridge.

    `vif`: its iface-id, else its name.  `mac`: its attached-mac or "".  `speed`: of its link, in bits a second; 0
    where nobody says.
    """

    name: str
    vif: str
    mac: str = ""
    speed: int = 0


class Bridge(Row, frozen=True, kw_only=True):
    """A bridge that somebody else made and pointed at a controller, in a database that is connected to Tenet.

    `id`: its datapath id in hex, the id that it has as a `Switch` once it is connected over OpenFlow, too.
    `system_id`: of the database.  `interfaces`: by name.
    """

    id: str
    system_id: str
    name: str
    interfaces: tuple[Plugged, ...] = ()

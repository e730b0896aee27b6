"""Host of a port: where the interface is that it is bound to."""

from __future__ import annotations

from .model import Model
from .rows import Port, Switch


def host_of(model: Model, port: Port) -> str:
    """Host of a port's interface, or the switch's id where the host has no name; "" while none is plugged in."""
    interface = model.placement.bindings.get(port.id)
    if interface is None:
        return ""
    switch = model.get(Switch, interface.switch_id)
    return (switch.host if switch is not None else "") or interface.switch_id

"""Reachability of a network's switches from one of them over the fabric.  Pure."""

from __future__ import annotations

from controller.model.model import Model
from controller.model.rows import Network, Switch
from topology.links import MOST_SEGMENT, tunnelled


class ReachMemo:
    """`unreached`, remembered while nothing changes that it follows from: it is asked of each port again and again.

    Of a network whose switches can all tunnel to each other, as nearly always, that is remembered and nothing else.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._meshed: dict[str, bool] = {}  # network -> whether each of its switches tunnels to each other one
        self._found: dict[tuple[str, str], tuple[Network, str]] = {}  # (switch, network) -> its row, and the answer
        self._changes = -1

    def unreached(self, here: str, network: Network) -> str:
        model = self._model
        if self._changes != model.reach_changes:
            self._changes = model.reach_changes
            self._found.clear()
            self._meshed.clear()
        if not network.physical_network and model.placement.span.holds(network.id, here):
            meshed = self._meshed.get(network.id)
            if meshed is None:
                meshed = self._meshed[network.id] = _is_meshed(model, network.id)
            if meshed:
                return ""
        found = self._found.get((here, network.id))
        if found is None or found[0] is not network:
            found = self._found[here, network.id] = network, unreached(model, here, network)
        return found[1]


def _is_meshed(model: Model, network_id: str) -> bool:
    """Whether all switches with ports of the network have one encapsulation in common, over addresses of one family.

    If not, each two of them may have one all the same.
    """
    families: set[bool] = set()
    types: set[str] | None = None
    for switch_id in model.placement.span.some(network_id):
        switch = model.get(Switch, switch_id)
        if switch is None or not switch.encap_ip:
            return False
        families.add(":" in switch.encap_ip)
        found = {tunnel.type for tunnel in switch.tunnels}
        types = found if types is None else types & found
    return len(families) == 1 and bool(types)


def unreached(model: Model, here: str, network: Network) -> str:
    """Unreachable switches with ports of the network, seen from `here`, with reasons; "" when all are reachable."""
    me = model.get(Switch, here)
    if network.physical_network:
        return _outside(me, network)
    cut, too_large = [], []
    for there in model.placement.span.of(network.id):
        other = model.get(Switch, there)
        if there == here or me is None or other is None or tunnelled(me, other):
            continue
        if model.routes.route(here, there) is None:
            cut.append(there)
        elif network.segment > MOST_SEGMENT:
            too_large.append(there)
    if cut:
        return f"no tunnel and no links lead to its network's ports on {_some(cut)}"
    if too_large:
        return f"links carry segments up to {MOST_SEGMENT} only, so not to its network's ports on {_some(too_large)}"
    return ""


def cut_off(model: Model, here: str, network: Network) -> bool:
    """Whether a network's port on `here` reaches no other port of it.  Only for networks with `unreached` switches.

    True when it is the network's only port on its switch, and no other switch with ports of it is reachable.
    """
    placement = model.placement
    blocks = placement.blocks.of((here, network.id))
    if sum(len(placement.members.of((here, network.id, block))) for block in blocks) > 1:
        return False
    if network.physical_network:
        return True
    others = [there for there in placement.span.of(network.id) if there != here]
    return not any(_reaches(model, here, there, network) for there in others)


def _reaches(model: Model, here: str, there: str, network: Network) -> bool:
    me, other = model.get(Switch, here), model.get(Switch, there)
    if me is None or other is None or tunnelled(me, other):
        return True
    return network.segment <= MOST_SEGMENT and model.routes.route(here, there) is not None


def _outside(me: Switch | None, network: Network) -> str:
    name = network.physical_network
    if me is None or any(one.network == name for one in me.physical):
        return ""
    return f"switch {me.id} does not reach physical network {name}: its tenet-bridge-mappings have no bridge for it"


def _some(switches: list[str]) -> str:
    shown = ", ".join(switches[:3])
    return f"switch {shown}" if len(switches) <= 3 else f"switches {shown} and {len(switches) - 3} more"

"""Claims of hypervisors: a host name, a tunnel address and a VIF are one hypervisor's each; pure rules of transactions.

Who has one keeps it until it lets go, the operator removes it, or, of a VIF, a binding says otherwise or its switch has
been away for long (`vifs.py`).  Why is in docs/decisions/0067-claims.md.
"""

from __future__ import annotations

from typing import NamedTuple

from controller.model.rows import Interface, Port, Switch
from controller.runtime.errors import Conflict
from controller.store.transaction import Taken, Transaction
from controller.switches.admission import is_adopted


class Granted(NamedTuple):
    """Claims of a hypervisor that were granted; "": no tunnel address.  `refused`: reason of each refusal."""

    host: str
    encap_ip: str
    refused: tuple[str, ...]


def settle(tx: Transaction, switch: Switch, host: str, encap_ip: str) -> Granted:
    """Reserve the host name and the tunnel address that a switch (as it is stored, or new) claims.

    Raises `Conflict` when the switch's id is the host name of another: nobody could tell the two apart.
    """
    for other in tx.find(Switch, "host", switch.id):
        if other.id != switch.id and not is_adopted(other):
            raise Conflict(f"the system-id {switch.id} is the host name of {other.id}: one of them has to change")
    refused = []
    if why := _taken(tx, switch, "host", host, switch.host):
        refused.append(f"host name {host}: {why}")
        host = switch.id
    if why := _taken(tx, switch, "encap", encap_ip, switch.encap_ip):
        refused.append(f"tunnel address {encap_ip}: {why}")
        encap_ip = ""
    return Granted(host, encap_ip, tuple(refused))


def release(tx: Transaction, switch: Switch) -> None:
    """Release the claims of a removed switch."""
    for what in (f"host/{switch.host}", f"encap/{switch.encap_ip}"):
        if tx.holder(what) == switch.key:
            tx.release(what)


def is_free(tx: Transaction, host: str) -> bool:
    """Whether no hypervisor holds the host name; bridges without a database hold none."""
    named = [switch for switch in tx.find(Switch, "host", host) if not is_adopted(switch)]
    one = tx.get(Switch, host)
    return not named and (one is None or is_adopted(one))


def since(tx: Transaction, interface: Interface) -> int:
    """`Interface.since` of a VIF that has just appeared, of which the greatest counts (`model.placement.choose`).

    That of a VIF that is elsewhere is below all others: it waits until the other lets go.
    """
    candidates = tx.find(Interface, "vif", interface.vif)
    others = [one for one in candidates if one.switch_id != interface.switch_id]
    ports = tx.model.find(Port, "vif", interface.vif)
    if ports:
        bound = [tx.model.placement.bindings.get(port.id) for port in ports]
        elsewhere = any(at is not None and at.switch_id != interface.switch_id for at in bound)
    else:
        here = [one.since for one in candidates if one.switch_id == interface.switch_id]
        elsewhere = bool(others) and max(one.since for one in others) > max(here, default=others[0].since - 1)
    return min(one.since for one in candidates) - 1 if elsewhere and candidates else tx.model.revision + 1


def _taken(tx: Transaction, switch: Switch, kind: str, value: str, before: str) -> str:
    """Reserve a value for a switch and release its former one; the reason of a refusal, "" when granted."""
    if before != value and before and tx.holder(f"{kind}/{before}") == switch.key:
        tx.release(f"{kind}/{before}")
    if not value:
        return ""
    for other in _holders(tx, kind, value):
        # both have had it since a former version: nobody is known to lie, both keep it
        if other.id != switch.id and (before != value or tx.get(Switch, switch.id) is None):
            return f"{other.id} has it"
    what = f"{kind}/{value}"
    holder = tx.holder(what)
    if holder not in (None, switch.key):
        one = tx.get(Switch, str(holder).removeprefix("switch/"))
        if one is not None and value in (one.host, one.encap_ip):
            return ""  # both have had it since a former version
        tx.release(what)
    try:
        tx.reserve(what, switch)
    except Taken as taken:
        return f"{taken.holder.removeprefix('switch/')} has it"
    return ""


def _holders(tx: Transaction, kind: str, value: str) -> list[Switch]:
    if kind == "encap":
        return tx.find(Switch, "encap_ip", value)
    found = [switch for switch in tx.find(Switch, "host", value) if not is_adopted(switch)]
    one = tx.get(Switch, value)
    return found if one is None or is_adopted(one) else [*found, one]

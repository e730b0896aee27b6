"""Learned addresses: which port a source address was seen at, as rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from apps.learn import LIMIT
from controller.model.model import Model
from controller.model.rows import Interface, Learned, Network, Port
from controller.store.transaction import Transaction


class HeardAddress(NamedTuple):
    """Source MAC address of a frame, and the logical port that it came in by."""

    switch_id: str
    port_key: int
    mac: str


def source(frame: bytes) -> str:
    """Source address of an Ethernet frame; "" for a group address or a truncated frame."""
    octets = frame[6:12]
    if len(octets) < 6 or octets[0] & 1 or not any(octets):
        return ""
    return octets.hex(":")


def learning_port(model: Model, switch_id: str, port_key: int) -> tuple[Port, Interface] | None:
    """Learning port bound to a logical port of a switch, or None."""
    for interface in model.find(Interface, "logical_port", (switch_id, port_key)):
        for port in model.find(Port, "vif", interface.vif):
            if (port.learns or port.extra_macs) and model.placement.bindings.get(port.id) == interface:
                return port, interface
    return None


def learn(tx: Transaction, heard: HeardAddress, may_move: Callable[[str], bool] = lambda _: True) -> bool:
    """Store where an address is; False when it is not learned.

    Not learned: an address already known there, any from a port that has LIMIT addresses, and one that a port of the
    network declares.  Of an address known elsewhere, `may_move` is asked by the row's id.
    """
    found = learning_port(tx.model, heard.switch_id, heard.port_key)
    if found is None:
        return False
    port, at = found
    if not port.learns and heard.mac not in port.extra_macs:
        return False
    if tx.get(Network, port.network_id) is None or tx.get(Port, port.id) is None or heard.mac == at.mac:
        return False
    owner = tx.holder(f"mac/{port.network_id}/{heard.mac}")
    if owner is not None and owner.startswith("port/"):
        declared = tx.get(Port, owner.removeprefix("port/"))
        if declared is not None and not declared.learning:
            return False
    known = tx.get(Learned, f"{port.network_id}/{heard.mac}")
    here = Learned(network_id=port.network_id, mac=heard.mac, port_id=port.id, at=at.row_id, ofport=at.ofport)
    if known == here:
        return False
    mine = [one for one in tx.find(Learned, "port_id", port.id) if one.at == at.row_id and one.ofport == at.ofport]
    if len(mine) + bool(at.mac) >= LIMIT:
        return False
    if known is not None and not may_move(known.row_id):
        return False
    tx.put(here)
    return True

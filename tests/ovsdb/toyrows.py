"""Toy units: a shaped and mirrored port whose tunnel is watched by BFD."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from controller.ovsdb.wanted import BridgeOf, InterfaceAt, OwnRow, PortAt, WantedRow

QUEUE, QOS, MIRROR = OwnRow("Queue", "q1"), OwnRow("QoS", "qos1"), OwnRow("Mirror", "m1")


def shaped(dpid: int, ofport: int, rate: str = "1000000", **queue: Any) -> list[WantedRow]:
    return [
        WantedRow(QUEUE, {"other_config": {"max-rate": rate}, **queue}),
        WantedRow(QOS, {"type": "linux-htb", "queues": {1: QUEUE}, "other_config": {"max-rate": rate}}),
        WantedRow(PortAt(dpid, ofport), {"qos": QOS}),
    ]


def mirrored(dpid: int, ofport: int, to: int) -> list[WantedRow]:
    source = frozenset({PortAt(dpid, ofport)})
    columns = {"name": "m1", "select_src_port": source, "select_dst_port": source, "output_port": PortAt(dpid, to)}
    return [WantedRow(MIRROR, columns, (BridgeOf(dpid), "mirrors"))]


def watched_tunnel(dpid: int, ofport: int, interval: str = "300") -> list[WantedRow]:
    return [WantedRow(InterfaceAt(dpid, ofport), {"bfd": {"enable": "true", "min_rx": interval}})]


class Units:
    """What is wanted, as a test says it."""

    def __init__(self) -> None:
        self.wanted: Mapping[int, Sequence[WantedRow]] = {}
        self._moved: list[Callable[[Sequence[int]], None]] = []

    def of(self, dpid: int) -> Sequence[WantedRow] | None:
        return self.wanted.get(dpid)

    def listen(self, moved: Callable[[Sequence[int]], None]) -> None:
        self._moved.append(moved)

    def want(self, dpid: int, *rows: WantedRow) -> None:
        self.wanted = {dpid: rows}
        for moved in self._moved:
            moved([dpid])

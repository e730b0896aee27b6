"""Reachability that a change would give and take: pairs of networks that a router joins, before and after it."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from controller.model.rows import Router, RouterInterface
from controller.model.rows.base import Reads

from .dry_run import Changed

Pair = tuple[str, str]


def reachability(before: Reads, after: Reads, changes: Changed) -> list[dict[str, Any]]:
    """Of each router that a change is about: pairs of networks that it would join (`given`), and no longer (`taken`).

    A pair that another router joins as well is told, too.
    """
    routers = dict.fromkeys(router_id for each in changes for row in each if (router_id := _router(row)))
    found = []
    for router_id in routers:
        was, would = _pairs(before, router_id), _pairs(after, router_id)
        if was != would:
            found.append({"router_id": router_id, "given": sorted(would - was), "taken": sorted(was - would)})
    return found


def _router(row: object) -> str:
    return row.id if isinstance(row, Router) else row.router_id if isinstance(row, RouterInterface) else ""


def _pairs(reads: Reads, router_id: str) -> set[Pair]:
    router = reads.get(Router, router_id)
    if router is None or not router.admin_state_up:
        return set()
    networks = {one.network_id for one in reads.find(RouterInterface, "router_id", router_id)}
    return {*combinations(sorted({*networks, *router.external_networks}), 2)}

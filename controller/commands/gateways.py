"""`tenet gateways`: the hosts by which routers reach their external networks; drain, designate."""

from __future__ import annotations

import argparse
import json
from typing import Any
from urllib.parse import quote

from controller.commands.client import Client, add_url

_VERBS = {  # verb -> method, end of the path, help
    "drain": ("POST", "drain", "move routers from SWITCH to others, before maintenance"),
    "undrain": ("DELETE", "drain", "let SWITCH be a gateway again"),
    "designate": ("POST", "designation", "say that SWITCH is a gateway, also of tunnelled external networks"),
    "dismiss": ("DELETE", "designation", "take that back"),
}


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    gateways = commands.add_parser("gateways", help="the hosts that are gateways of routers")
    verbs = gateways.add_subparsers(dest="verb", required=True)
    status = verbs.add_parser("status", help="show them, and routers without one")
    status.add_argument("--json", action="store_true", help="as GET /tenet/v1/gateways answers")
    parsers = [status, verbs.add_parser("rebalance", help="move some routers to the gateways that would be drawn now")]
    for verb, (_, _, about) in _VERBS.items():
        parsers.append(verbs.add_parser(verb, help=about))
        parsers[-1].add_argument("switch", metavar="SWITCH")
    for parser in parsers:
        add_url(parser)
        parser.set_defaults(execute=execute)


def execute(chosen: argparse.Namespace) -> int:
    """Run the command; the exit code, which for `status` is 1 when there are faults."""
    client = Client(chosen.url, chosen.ca)
    if chosen.verb == "status":
        said = client.get("/tenet/v1/gateways")
        print(json.dumps(said, indent=2) if chosen.json else table(said))
        return 1 if faults(said) else 0
    if chosen.verb == "rebalance":
        said = client.ask("POST", "/tenet/v1/gateways/rebalance")["rebalance"]
        for move in said["moved"]:
            print(f"router {move['router_id']} moves from {move['former']} to {move['switch']}")
        print(f"{len(said['moved'])} move, {said['left']} are left" if said["left"] else f"{len(said['moved'])} move")
        return 0
    method, end, _ = _VERBS[chosen.verb]
    client.ask(method, f"/tenet/v1/gateways/{quote(chosen.switch, safe='')}/{end}")
    return 0


def faults(said: dict[str, Any]) -> list[str]:
    """Faults of gateways, one a line."""
    found = [f"router {each['router']} has no gateway: {each['why']}" for each in said["routers_without"]]
    for one in said["gateways"]:
        used = one["routers_active"] + one["routers_standby"]
        if not one["alive"] and used:
            found.append(f"gateway {one['switch']} is dead; {one['routers_active']} routers have no other one alive")
        elif one["no_link"]:
            found.append(f"gateway {one['switch']} has no link to physical network {', '.join(one['no_link'])}")
        elif one["not_heard_by"] and used:
            found.append(f"gateway {one['switch']} is not heard by {', '.join(one['not_heard_by'][:3])} (BFD)")
    return found


def table(said: dict[str, Any]) -> str:
    """Faults and gateways, one a line."""
    lines = [f"Gateways: {len(said['gateways'])}", *(f"  !! {each}" for each in faults(said)), ""]
    lines.append(f"{'SWITCH':<38} {'STATE':<9} {'ACTIVE':>6} {'STANDBY':>7} {'LEAVING':>7}  PHYSICAL NETWORKS")
    for one in said["gateways"]:
        state = "dead" if not one["alive"] else "draining" if one["draining"] else "alive"
        counts = f"{one['routers_active']:>6} {one['routers_standby']:>7} {one['routers_leaving']:>7}"
        names = ", ".join(one["physical_networks"]) + (" (designated)" if one["designated"] else "")
        lines.append(f"{one['switch']:<38} {state:<9} {counts}  {names}")
    return "\n".join(lines)

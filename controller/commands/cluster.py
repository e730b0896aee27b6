"""`tenet cluster`: ask any member who is there and who is master of what; hand a member's switches over."""

from __future__ import annotations

import argparse
import json
from typing import Any
from urllib.parse import quote

from controller.commands.client import Client, add_url


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    cluster = commands.add_parser("cluster", help="the members, and who is master of what")
    verbs = cluster.add_subparsers(dest="verb", required=True)
    status = verbs.add_parser("status", help="show members and switches")
    status.add_argument("--json", action="store_true", help="as GET /tenet/v1/cluster answers")
    drain = verbs.add_parser("drain", help="hand MEMBER's switches over, before maintenance; a restart ends it")
    undrain = verbs.add_parser("undrain", help="let MEMBER have its share again")
    forget = verbs.add_parser("forget", help="take MEMBER, stopped for good, off the hypervisors' lists")
    accept = verbs.add_parser("accept-empty", help="the model is meant, however little is left of it; at each member")
    for parser in (drain, undrain, forget):
        parser.add_argument("member", metavar="MEMBER")
    for parser in (status, drain, undrain, forget, accept):
        add_url(parser)
        parser.set_defaults(execute=execute)


def execute(chosen: argparse.Namespace) -> int:
    client = Client(chosen.url, chosen.ca)
    if chosen.verb == "status":
        cluster = client.get("/tenet/v1/cluster")["cluster"]
        print(json.dumps(cluster, indent=2) if chosen.json else table(cluster))
    elif chosen.verb == "accept-empty":
        client.ask("POST", "/tenet/v1/cluster/accept-empty")
    else:
        method = {"drain": "POST", "undrain": "DELETE", "forget": "DELETE"}[chosen.verb]
        end = "" if chosen.verb == "forget" else "/drain"
        client.ask(method, f"/tenet/v1/cluster/members/{quote(chosen.member, safe='')}{end}")
    return 0


def table(cluster: dict[str, Any]) -> str:
    """Members and switches, a line each."""
    head = f"{'CONNECTED':>9} {'SHARE':>6} {'MASTER':>6}  OPENFLOW"
    lines = [f"{'MEMBER':<24} {'STATE':<10} {'SINCE':<21} {'LEASE':>5} {head}"]
    for each in cluster["members"]:
        state = "absent" if not each["present"] else "draining" if each["draining"] else "present"
        counts = f"{each['switches_connected']:>9} {each['switches_share']:>6} {each['switches_held']:>6}"
        lines.append(f"{each['id']:<24} {state:<10} {each['since'] or '-':<21} {each['lease'] or 0:>5g} {counts}"
                     f"  {each['openflow']}")  # fmt: skip
    lines += ["", f"{'SWITCH':<38} {'MASTER':<24} WHY"]
    lines += [f"{each['id']:<38} {each['master'] or '-':<24} {each['why']}" for each in cluster["switches"]]
    if cluster["frozen"]:
        lines += ["", f"{cluster['member']} writes to no switch: {cluster['frozen']}"]
    return "\n".join(lines)

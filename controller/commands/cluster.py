"""`tenet cluster`: members, masters and faults, as any member knows them; drain, forget, accept-empty."""

from __future__ import annotations

import argparse
import json
from typing import Any
from urllib.parse import quote

from controller.commands.client import Client, add_url

FEW = 50  # up to this many switches, all are shown


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    cluster = commands.add_parser("cluster", help="the members, and who is master of what")
    verbs = cluster.add_subparsers(dest="verb", required=True)
    status = verbs.add_parser("status", help="show members and switches")
    status.add_argument("--json", action="store_true", help="as GET /tenet/v1/cluster answers")
    status.add_argument("--all", action="store_true", help=f"every switch, where there are more than {FEW}, too")
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
    """Run the command; the exit code, which for `status` is 1 when there are faults."""
    client = Client(chosen.url, chosen.ca)
    if chosen.verb == "status":
        cluster = client.get("/tenet/v1/cluster")["cluster"]
        print(json.dumps(cluster, indent=2) if chosen.json else table(cluster, everything=chosen.all))
        return 1 if faults(cluster) else 0
    if chosen.verb == "accept-empty":
        client.ask("POST", "/tenet/v1/cluster/accept-empty")
    else:
        method = {"drain": "POST", "undrain": "DELETE", "forget": "DELETE"}[chosen.verb]
        end = "" if chosen.verb == "forget" else "/drain"
        client.ask(method, f"/tenet/v1/cluster/members/{quote(chosen.member, safe='')}{end}")
    return 0


def faults(cluster: dict[str, Any]) -> list[str]:
    """Faults of the cluster, one a line, the worst first."""
    me = cluster["member"]
    found = []
    if cluster["frozen"]:
        found.append(f"{me} writes to no switch: {cluster['frozen']}")
    elif not cluster["writing"]:
        found.append(f"{me} writes to no switch, and what it tells may be old: its lease is not held")
    lost = sum(1 for each in cluster["switches"] if not each["master"])
    moving = sum(1 for each in cluster["switches"] if each["master"] and each["held_by"] != each["master"])
    found += [f"{lost} switches have no master"] if lost else []
    found += [f"{moving} switches are not held by their master"] if moving else []
    for each in cluster["members"]:
        if not each["present"]:
            found.append(f"{each['id']} is absent")
        elif each["switches_behind"]:
            found.append(f"{each['switches_behind']} switches of {each['id']} have not confirmed everything")
    return found


def table(cluster: dict[str, Any], everything: bool = True) -> str:
    """Faults, members and switches, one a line; switches with faults first.

    Without `everything` and with more than FEW switches, only those with faults.
    """
    members, switches = cluster["members"], sorted(cluster["switches"], key=_settled)
    present = sum(each["present"] for each in members)
    lines = [f"{cluster['member']} at revision {cluster['revision']}: {present} of {len(members)} members present, "
             f"{len(switches)} switches"]  # fmt: skip
    lines += [f"  !! {each}" for each in faults(cluster)]
    lines += ["", f"{'MEMBER':<24} {'STATE':<9} {'FOR':>8} {'LEASE':>6} {'CONNECTED':>9} {'SHARE':>6} {'MASTER':>6} "
                  f"{'BEHIND':>6}  REST"]  # fmt: skip
    lines += map(_member, members)
    shown = switches if everything or len(switches) <= FEW else [each for each in switches if not _settled(each)]
    if shown:
        lines += ["", f"{'SWITCH':<38} {'MASTER':<24} {'HELD BY':<24} WHY"]
    lines += [f"{each['id']:<38} {each['master'] or '-':<24} {each['held_by'] or '-':<24} {each['why']}"
              for each in shown]  # fmt: skip
    if len(shown) < len(switches):
        lines += ["", f"{len(switches) - len(shown)} switches are held by their masters (--all shows them)"]
    return "\n".join(lines)


def _settled(switch: dict[str, Any]) -> bool:
    return bool(switch["master"]) and switch["held_by"] == switch["master"]


def _member(member: dict[str, Any]) -> str:
    state = "absent" if not member["present"] else "draining" if member["draining"] else "present"
    lease = "-" if member["lease"] is None else f"{member['lease']:g} s"
    counts = f"{member['switches_connected']:>9} {member['switches_share']:>6} {member['switches_held']:>6}"
    return (
        f"{member['id']:<24} {state:<9} {_age(member['age']):>8} {lease:>6} {counts} {member['switches_behind']:>6}"
        f"  {member['rest']}"
    )


def _age(seconds: float | None) -> str:
    """Age in one short unit."""
    if seconds is None:
        return "-"
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"

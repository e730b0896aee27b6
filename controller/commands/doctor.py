"""`tenet doctor`: diagnosis of failed pings, from what the controller knows."""

from __future__ import annotations

import argparse

from controller.commands import external_dns, gateways, metadata
from controller.commands.client import Client, add_url
from controller.commands.findings import contested, examine, explain, faulty, leased, lost, unfiltered

_NOTHING = """\
nothing wrong was found. Where a ping fails all the same: does the host have the addresses of its port (above),
is its interface up, and what does `tenet doctor ONE OTHER` say about the two?"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("doctor", help="look for what keeps frames from arriving")
    parser.add_argument("ends", nargs="*", metavar="PORT", help="two ports, by id, name or interface: trace a frame")
    add_url(parser)
    parser.set_defaults(execute=execute)


def execute(chosen: argparse.Namespace) -> int:
    """Run the command; exit code 1 when it has findings, else 0."""
    if len(chosen.ends) not in (0, 2):
        print("tenet doctor: name two ports, or none")
        return 2
    client = Client(chosen.url, chosen.ca)
    topology = client.get("/tenet/v1/topology")["topology"]  # first: /healthz says little to who is no operator
    health = client.get("/healthz")
    print(f"controller: {health['status']}, {health['connected']} of {health['switches']} switches connected")
    found = [
        examine(topology, client.get("/tenet/v1/refused")["refused"]),
        contested(topology, client.get("/tenet/v1/claims")["claims"]),
    ]
    if chosen.ends:
        trace = client.get("/tenet/v1/trace", **{"from": chosen.ends[0], "to": chosen.ends[1]})["trace"]
        found.append(explain(topology, trace))
    else:
        found.append(lost(topology, client.get("/tenet/v1/unreachable")["unreachable"]))
    found.append(unfiltered(health["never_filtered"]))
    found.append(faulty(gateways.faults(client.get("/tenet/v1/gateways"))))
    found.append(faulty(external_dns.faults(client.get("/tenet/v1/external-dns"))))
    found.append(leased(topology, client.get("/tenet/v1/leases")))
    found.append(faulty(metadata.faults(client.get("/tenet/v1/metadata-hosts")["metadata_hosts"])))
    for line in (line for part in found for line in part.lines):
        print(line)
    faults = sum(part.faults for part in found)
    print(f"{faults} fault{'' if faults == 1 else 's'} found" if faults else _NOTHING)
    return 1 if faults else 0

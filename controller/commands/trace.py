"""`tenet trace`: what would become of a packet to a port or an address outside, by table, and which rules decide."""

from __future__ import annotations

import argparse

from controller.commands.client import Client, add_url
from controller.commands.findings import explain


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("trace", help="follow a packet from a port to another or outside, without sending one")
    parser.add_argument(
        "ends",
        nargs=2,
        metavar="PORT",
        help="by id, name or interface; the second may be an address outside, a floating IP, or dhcp, dns, metadata, "
        "dhcp6, router-solicitation",
    )
    parser.add_argument("--protocol", default="icmp", help="icmp, tcp, udp or sctp")
    parser.add_argument("--port", default="0", help="destination port; required for tcp, udp and sctp")
    parser.add_argument("--state", default="new", help="new: the first packet; established: a further one; reply: an "
                                                       "answer to the other port")  # fmt: skip
    add_url(parser)
    parser.set_defaults(execute=execute)


def execute(chosen: argparse.Namespace) -> int:
    """Run the command; exit code 1 when the packet does not arrive, else 0."""
    client = Client(chosen.url, chosen.ca)
    asked = {"protocol": chosen.protocol, "port": chosen.port, "state": chosen.state}
    trace = client.get("/tenet/v1/trace", **{"from": chosen.ends[0], "to": chosen.ends[1]}, **asked)["trace"]
    found = explain(client.get("/tenet/v1/topology")["topology"], trace)
    for line in found.lines:
        print(line)
    return 1 if found.faults else 0

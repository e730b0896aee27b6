"""`tenet export mininet`: a Mininet script that rebuilds the current model and topology."""

from __future__ import annotations

import argparse
import sys

from controller.commands.client import Client, add_url
from topology import export


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("export", help="write the present model and topology for another tool")
    parser.add_argument("target", choices=["mininet"], help="the tool")
    add_url(parser)
    parser.set_defaults(execute=execute)


def execute(chosen: argparse.Namespace) -> int:
    found = Client(chosen.url, chosen.ca).get("/tenet/v1/topology")["topology"]
    sys.stdout.write(export.mininet(found))
    return 0

"""`tenet topology`: wires and attached interfaces, as text, Graphviz source, or SVG."""

from __future__ import annotations

import argparse
import sys

from controller.commands.client import Client, add_url
from topology import drawing


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("topology", help="show how switches are wired and what is attached")
    parser.add_argument("--format", choices=sorted(drawing.FORMATS), default="text", help="text where not said")
    add_url(parser)
    parser.set_defaults(execute=execute)


def execute(chosen: argparse.Namespace) -> int:
    found = Client(chosen.url, chosen.ca).get("/tenet/v1/topology")["topology"]
    sys.stdout.write(drawing.FORMATS[chosen.format](found))
    return 0

"""`tenet metadata`: the server that tells instances of themselves, and the hosts whose servers may."""

from __future__ import annotations

import argparse
import json
from typing import Any
from urllib.parse import quote

from controller.commands.client import Client, add_url

INTERFACE = "tenet-md0"


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    metadata = commands.add_parser("metadata", help="the metadata server of instances, and its hosts")
    verbs = metadata.add_subparsers(dest="verb", required=True)
    serve = verbs.add_parser("serve", help="run a metadata server on this hypervisor")
    serve.add_argument("--config-file", action="append", default=[], metavar="FILE", help="an oslo.config file")
    serve.add_argument("--bridge", default="br-int", help="the bridge that Tenet programs; br-int where not said")
    serve.add_argument("--interface", default=INTERFACE, help=f"name of its interface; {INTERFACE} where not said")
    serve.add_argument("--db", default="", help="Open vSwitch's database, as ovs-vsctl takes it")
    serve.add_argument("--log-json", action="store_true", help="one JSON object a line instead of text")
    serve.add_argument("--debug", action="store_true", help="log more")
    serve.set_defaults(execute=_serve)
    hosts = verbs.add_parser("hosts", help="the hosts whose metadata servers may serve")
    actions = hosts.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="show them, and why one does not serve")
    listing.add_argument("--json", action="store_true", help="as GET /tenet/v1/metadata-hosts answers")
    parsers = [listing]
    for action, about in (("add", "let the metadata server of SWITCH serve"), ("remove", "take that back")):
        parsers.append(actions.add_parser(action, help=about))
        parsers[-1].add_argument("switch", metavar="SWITCH")
    for parser in parsers:
        add_url(parser)
        parser.set_defaults(execute=_hosts)


def _serve(chosen: argparse.Namespace) -> int:
    from controller.config.settings import read_metadata
    from controller.metadata.interface import ServerInterface
    from controller.metadata.process import run
    from controller.runtime import logs

    logs.configure(as_json=chosen.log_json, debug=chosen.debug)
    settings = read_metadata([part for path in chosen.config_file for part in ("--config-file", path)])
    return run(settings, ServerInterface(chosen.bridge, chosen.interface, chosen.db))


def _hosts(chosen: argparse.Namespace) -> int:
    """Exit code 1 when a host of the list does not serve."""
    client = Client(chosen.url, chosen.ca)
    if chosen.action == "list":
        found = client.get("/tenet/v1/metadata-hosts")
        print(json.dumps(found, indent=2) if chosen.json else table(found["metadata_hosts"]))
        return 1 if faults(found["metadata_hosts"]) else 0
    method = "PUT" if chosen.action == "add" else "DELETE"
    client.ask(method, f"/tenet/v1/metadata-hosts/{quote(chosen.switch, safe='')}")
    return 0


def faults(hosts: list[dict[str, Any]]) -> list[str]:
    """Faults of metadata hosts, one a line."""
    return [f"metadata host {one['switch']} does not serve: {one['why']}" for one in hosts if not one["serves"]]


def table(hosts: list[dict[str, Any]]) -> str:
    lines = [f"{'SWITCH':<38} {'SERVES':<6}  INTERFACE"]
    lines += [
        f"{one['switch']:<38} {'yes' if one['serves'] else 'no':<6}  {one['interface'] or one['why']}" for one in hosts
    ]
    return "\n".join(lines)

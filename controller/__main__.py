"""The `tenet` command: its arguments, and `tenet run`."""

from __future__ import annotations

import argparse
import sys

from controller.commands import cluster, doctor, export, gateways, metadata, store, token, topology, trace
from controller.config.settings import read
from controller.runtime import hub, logs
from controller.runtime.errors import Misconfigured, Refused, Unavailable

# each adds its parser, whose `execute` does it
COMMANDS = (store, cluster, gateways, metadata, token, topology, doctor, trace, export)


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 when all went well or ended by SIGTERM or SIGINT, 1 when it cannot start or go on, 2 for wrong
    usage.
    """
    parser = argparse.ArgumentParser(prog="tenet", description="Tenant networks on Open vSwitch.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run the controller")
    run.add_argument("--config-file", action="append", default=[], metavar="FILE", help="an oslo.config file")
    run.add_argument("--accept-empty", action="store_true", help="[cluster] accept_empty = true, this once")
    run.add_argument("--log-json", action="store_true", help="one JSON object a line instead of text")
    run.add_argument("--debug", action="store_true", help="log more")
    run.set_defaults(execute=_run)
    for command in COMMANDS:
        command.add(commands)
    chosen = parser.parse_args(arguments)
    try:
        return int(chosen.execute(chosen))
    except (Misconfigured, Unavailable, Refused) as error:
        print(f"tenet: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def _run(chosen: argparse.Namespace) -> int:
    hub.patch()
    logs.configure(as_json=chosen.log_json, debug=chosen.debug)
    settings = read([part for path in chosen.config_file for part in ("--config-file", path)])
    from controller.assembly import Controller  # the framework is imported there, after the hub is patched

    return Controller(settings._replace(accept_empty=settings.accept_empty or chosen.accept_empty)).run()


if __name__ == "__main__":
    sys.exit(main())

"""`tenet run`: choose the hub, read settings, wire the parts, run.  The only file that knows everything."""

from __future__ import annotations

import argparse
import logging
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from controller import cluster_command, hub, logs, memory, store_command
from controller.commands import doctor, export, token, topology
from controller.errors import Misconfigured, Refused, Unavailable
from controller.settings import Settings, read, tls_context

log = logging.getLogger("tenet")

COMMANDS = {"store": store_command.run, "cluster": cluster_command.run}


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 when ended by SIGTERM or SIGINT, 1 when it cannot start or go on, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="tenet", description="Tenant networks on Open vSwitch.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run the controller")
    run.add_argument("--config-file", action="append", default=[], metavar="FILE", help="an oslo.config file")
    run.add_argument("--accept-empty", action="store_true", help="[cluster] accept_empty = true, this once")
    run.add_argument("--log-json", action="store_true", help="one JSON object a line instead of text")
    run.add_argument("--debug", action="store_true", help="log more")
    for command in (doctor, export, topology, store_command, cluster_command):
        command.add(commands)
    token.declare(commands)
    chosen = parser.parse_args(arguments)
    if chosen.command in COMMANDS:
        hub.patch()
        return _command(chosen)
    if chosen.command not in ("run", "token"):
        return _ask(chosen)
    try:
        if chosen.command == "token":
            return token.perform(chosen)
        hub.patch()
        logs.configure(as_json=chosen.log_json, debug=chosen.debug)
        settings = read([part for path in chosen.config_file for part in ("--config-file", path)])
        return Controller(settings._replace(accept_empty=settings.accept_empty or chosen.accept_empty)).run()
    except (Misconfigured, Unavailable) as error:
        print(f"tenet: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def _ask(chosen: argparse.Namespace) -> int:
    """A command that asks a running controller."""
    try:
        return int(chosen.execute(chosen))
    except (Refused, Unavailable) as error:
        print(f"tenet: {error}", file=sys.stderr)
        return 1


def _command(chosen: argparse.Namespace) -> int:
    logs.configure(as_json=False, debug=False)
    try:
        COMMANDS[chosen.command](chosen)
    except (Misconfigured, Unavailable, Refused, OSError) as error:
        print(f"tenet: {error}", file=sys.stderr)
        return 1
    return 0


class Controller:
    """All parts of one process; the framework is imported here, after the hub is chosen and patched."""

    def __init__(self, settings: Settings) -> None:
        from controller.cluster.cluster import Cluster
        from controller.cluster.mastery import Alone
        from controller.fabric import Fabric
        from controller.observe.links import Links
        from controller.observe.observer import Observer
        from controller.operators import Operators
        from controller.preview import Preview
        from controller.reconcile.progress import Progress
        from controller.reconcile.reconciler import Reconciler
        from controller.reconcile.statuses import Statuses
        from controller.store import archive, is_shared, open_store
        from controller.store.replica import Replica
        from controller.switchboard import Switchboard
        from northbound.app import application
        from northbound.context import Context

        self._settings = settings
        self._tls = tls_context(settings, demand_certificate=True)
        self._https = tls_context(settings, demand_certificate=False)
        self._stopped = hub.Signal()
        self._status = 0
        self.store = open_store(settings.store_url)
        archive.check_whole(self.store)
        self.replica = Replica(self.store, self._fail)
        progress = Progress(time.monotonic)
        self.observer = Observer(self.store, self.replica, settings.underlay_ip_version)
        self.reconciler = Reconciler(self.replica, progress, settings.audit_interval)
        self.links = Links(self.store, self.replica)
        self.cluster = Cluster(self.store, self.replica, progress, settings) if is_shared(settings.store_url) else None
        mastery, levels = (self.cluster.mastery, self.cluster.levels) if self.cluster else (Alone(), progress)
        self.switchboard = Switchboard(
            self.replica, self.observer, self.links, self.reconciler, settings.packet_in_rate, mastery
        )
        statuses = Statuses(self.replica.model, levels)
        self.operators = Operators(
            self.replica, self.reconciler, self.switchboard, levels, self.observer, self.links,
            Fabric(self.replica, self.reconciler, statuses),
        )  # fmt: skip
        if self.cluster:
            self.reconciler.check = self.cluster.guard.check
            self.operators.more = self.cluster.metrics
        self._notifier = _notifier(settings, self.replica, statuses, levels)
        context = Context(
            store=self.store,
            replica=self.replica,
            statuses=statuses,
            operators=self.operators,
            underlay_mtu=settings.underlay_room,
            physical=settings.physical,
            limits=settings.quotas,
            preview=Preview(self.replica.model).switches,
            cluster=self.cluster.report if self.cluster else None,
            **_identity(settings),
        )
        self._events, self._levels = context.events, levels
        self.application = application(context)

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT; the exit status."""
        from controller.openflow import framework
        from controller.ovsdb import server as ovsdb

        settings = self._settings
        hub.spawn(self._await_end)
        self.replica.start()
        memory.settle()
        self.reconciler.start()
        self.observer.start()
        self.links.start()
        self._events.start(self._levels)
        if self._notifier is not None:
            self._notifier.start()
        listener = _listen("northbound", settings.northbound)
        switches = framework.serve(
            settings.openflow, self.switchboard, tls=self._tls, echo_interval=settings.echo_interval
        )
        databases = ovsdb.serve(
            settings.ovsdb, self.observer.hypervisor, controller_port=switches.address[1], tls=self._tls,
            cluster=self.cluster.roster if self.cluster else None,
        )  # fmt: skip
        self.operators.databases = lambda: [each.system_id for each in databases.hypervisors()]
        if self.cluster:
            self.cluster.join(switches.address, databases.address, listener.getsockname()[:2])
        hub.spawn(self._serve_rest, listener)
        log.info(
            "ready: REST %s, OpenFlow %s, OVSDB %s, %s",
            listener.getsockname()[:2], switches.address, databases.address, "TLS" if self._tls else "plain text",
        )  # fmt: skip
        self._stopped.wait()
        log.info("ending")
        listener.close()
        if self.cluster:
            self.cluster.leave()  # before the switches: others take over what is still connected
        databases.close()
        switches.close()
        self.store.close()
        return self._status

    def _fail(self) -> None:
        """A part without which the others would mislead has ended: end, and let whoever watches start us anew."""
        self._status = 1
        self._stopped.set()

    def _await_end(self) -> None:
        hub.wait_for_signal((signal.SIGTERM, signal.SIGINT))
        self._stopped.set()

    def _serve_rest(self, listener: socket.socket) -> None:
        server: Any = self._https.wrap_socket(listener, server_side=True, do_handshake_on_connect=False) \
            if self._https else listener  # fmt: skip
        try:
            hub.serve_wsgi(server, self.application, log=logging.getLogger("tenet.http"), log_output=False,
                           max_size=4096, keepalive=True, socket_timeout=60, url_length_limit=16384,
                           debug=False)  # fmt: skip
        except (OSError, Refused) as error:
            if not self._stopped.is_set():
                log.error("the REST listener ended: %s", error)
                self._fail()


def _identity(settings: Settings) -> dict[str, Any]:
    """Who asks and what they may, as Context takes it; libraries are imported only where they are used."""
    if settings.auth == "none":
        return {}
    from northbound.enforce import Rules

    policy = Rules(settings.files)
    if settings.auth == "tokens":
        from northbound.identity.tokens import Tokens

        return {"policy": policy, "identity": Tokens(Path(settings.tokens), policy.is_operator)}
    from northbound.identity.keystone import Keystone

    return {"policy": policy, "identity": Keystone(settings.files, policy.is_operator)}


def _notifier(settings: Settings, replica: Any, statuses: Any, progress: Any) -> Any:
    """Who tells Nova of ports, or None."""
    if not settings.nova:
        return None
    from controller.nova import Notifier, Nova

    return Notifier(replica, statuses, progress, Nova(settings.nova, settings.files))


def _listen(section: str, address: tuple[str, int]) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    try:
        listener: socket.socket = hub.listen(address, family=family, backlog=1024)
    except OSError as error:
        raise Misconfigured(f"[{section}] listen = {address[0]}:{address[1]}: {error.strerror or error}") from error
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


if __name__ == "__main__":
    sys.exit(main())

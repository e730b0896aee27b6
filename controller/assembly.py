"""The parts of a controller process, put together by their constructors; the only file that knows all of them.

Imported after the hub is patched: it imports the OpenFlow framework.
"""

from __future__ import annotations

import logging
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from apps import learn, tracker_probe
from apps.pipeline import DHCP4, DHCP6, NAMES, SOLICITED
from apps.routing import asking, errors
from apps.security import recover, verdicts
from apps.services import served
from controller.cluster.cluster import Cluster
from controller.cluster.mastery import Alone
from controller.compile.catalogue import apps, row_units
from controller.compile.compiler import Compiler
from controller.compile.database_rows import DatabaseRows
from controller.compile.on_demand import OnDemand
from controller.compile.preview import Preview
from controller.config.settings import Settings, barred, tls_context
from controller.diagnose.drops import DropReport, DropTeller, LastDrops
from controller.diagnose.external_dns import ExternalDnsReport
from controller.diagnose.metering import MeterReport
from controller.diagnose.operators import Operators
from controller.diagnose.readiness import Readiness
from controller.diagnose.switches import Inventory
from controller.diagnose.topology import FabricReport
from controller.flow import Rates
from controller.gateways.announcements import ANNOUNCING
from controller.gateways.operators import GatewayOperations
from controller.gateways.rankings import Rankings
from controller.model.mtu import wire_mtu
from controller.model.names import Naming
from controller.openflow import framework
from controller.ovsdb import server as ovsdb
from controller.publish.external_dns.claims import publishes
from controller.publish.external_dns.publisher import ExternalDns
from controller.publish.external_dns.updates import DnsServer
from controller.publish.feed import Events
from controller.publish.filter_log import FilterLog
from controller.reconcile.audits import AuditIntervals
from controller.reconcile.confirmations import Confirmations
from controller.reconcile.mtus import Mtus
from controller.reconcile.progress import Progress
from controller.reconcile.reconciler import Reconciler
from controller.reconcile.recovery import Recovery
from controller.reconcile.statuses import Statuses
from controller.runtime import garbage, hub
from controller.runtime.errors import Misconfigured
from controller.runtime.held import HubWatch
from controller.services.advertisements import RouterAdvertisements
from controller.services.dhcp4 import Dhcp4
from controller.services.dhcp6 import Dhcp6
from controller.services.dhcp_relay import DhcpRelay, bound
from controller.services.dispatch import NetworkServices
from controller.services.dns_service import NameService
from controller.services.leases import Leases
from controller.services.metadata_hosts import MetadataHosts
from controller.store import archive, is_shared, open_store
from controller.store.replica import Replica
from controller.store.store import Store
from controller.switches import router_errors
from controller.switches.admission import Admission
from controller.switches.board import Switchboard
from controller.switches.discovery.links import Links
from controller.switches.discovery.wires import Wires
from controller.switches.forgetting import Forgetting
from controller.switches.neighbors import RouterNeighbors
from controller.switches.observer import Observer
from controller.switches.packet_in import Answering, PacketIns
from controller.switches.periodic import Periodic
from controller.switches.tracker_room import PROBING, TrackerRoom
from controller.switches.vifs import Vifs
from northbound.app import application
from northbound.context import Context
from northbound.hosts import Hosts
from northbound.identity.tokens import Tokens
from northbound.wire.server import serve
from topology import lldp_punt
from topology.cost import COSTS

log = logging.getLogger("tenet")


class Controller:
    """All parts of one process, each complete when it is constructed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tls = tls_context(settings, demand_certificate=True)
        self._https = tls_context(settings, demand_certificate=False)
        self._held = HubWatch(settings.held_warning)
        self._databases: dict[str, Any] = {}  # hypervisors whose database is connected, by system-id
        self._stopped = hub.Signal()
        self._status = 0
        self.store = open_store(settings.store_url)
        archive.check_whole(self.store)
        self.replica = Replica(self.store, self._fail)
        progress = Progress(time.monotonic)
        rates = Rates(
            settings.broadcast_rate,
            settings.packet_in_rate,
            drops=settings.drop_rate,
            router=settings.router_rate,
            services=settings.services.rate,
            project_services=settings.services.project_rate,
        )
        chosen = apps(rates, settings.permitted_ethertypes)
        self.cluster = Cluster(self.store, self.replica, progress, settings) if is_shared(settings.store_url) else None
        checked: dict[str, Any] = {"check": self.cluster.guard.check} if self.cluster else {}
        self.reconciler = Reconciler(
            self.replica,
            Compiler(self.replica.model, chosen),
            progress,
            AuditIntervals(settings.audit_interval, settings.verify_interval),
            recovery=Recovery(recover.FLOWS, settings.connection_pickup),
            **checked,
        )
        self._confirmations = None if self.cluster else Confirmations(self.store, self.replica, progress)
        mastery, levels = (self.cluster.mastery, self.cluster.levels) if self.cluster else (Alone(), progress)
        self.links = Links(self.store, self.replica, levels.is_connected, COSTS[settings.link_cost])
        self.observer = Observer(
            self.store, self.replica, settings.underlay_ip_version, settings.tls and settings.bind_certificates,
            mastery.owns,
        )  # fmt: skip
        self.forgetting = Forgetting(
            self.replica.model, settings.forget_after, self.observer.forget, levels.is_connected, mastery.speaks
        )
        self.vifs = Vifs(self.store, self.replica, levels.is_away, mastery.speaks)
        self.metadata_hosts = MetadataHosts(self.store, self.replica, levels.is_connected, mastery.speaks)
        self.rankings = Rankings(self.store, self.replica, levels.is_away, mastery.speaks, levels)
        admission = Admission(self.replica.model, settings.bind_certificates, settings.adopt, settings.adopted_switches)
        mtus = Mtus(self.replica.model, settings.underlay_room, settings.least_mtu)
        self.replica.listen(mtus.changed)
        statuses = Statuses(self.replica.model, levels, mtus)
        self._events, self._levels = Events(self.replica, statuses), levels
        last_drops, room = LastDrops(), TrackerRoom(self.replica.model)
        drops = DropTeller(self.replica.model, last_drops, FilterLog(self.replica.model, self._events))
        self.neighbors = RouterNeighbors(self.store, self.replica, levels.is_away, mastery.speaks)
        told = settings.services._replace(naming=_naming(settings))
        leases, names = Leases(self.replica.model, time.time, mastery.speaks), NameService(self.replica.model, told)
        advertisements = RouterAdvertisements(told, mtus.in_bytes)
        self._relay = DhcpRelay(self.replica.model, bound(settings.services.relay))
        services = NetworkServices(self.replica.model, self._relay.around({
            DHCP4: ("dhcp", Dhcp4(told, leases, mtus.in_bytes).answer), NAMES: ("dns", names.answer),
            DHCP6: ("dhcp6", Dhcp6(told, leases).answer),
            SOLICITED: ("router-advertisements", advertisements.answer),
        }))  # fmt: skip
        packet_ins = PacketIns({
            learn.SERVICE: self.observer.packet_in, lldp_punt.SERVICE: self.links.packet_in,
            verdicts.SERVICE: drops.packet_in, verdicts.ACCEPTS: drops.accepted,
            tracker_probe.SERVICE: room.probe_returned,
            errors.SERVICE: Answering(self.replica.model, router_errors.answer),
            asking.WANTED: self.neighbors.wanted, asking.ANSWERS: self.neighbors.answered,
            asking.ANNOUNCED: self.neighbors.announced, served.SERVICE: services.packet_in,
        })  # fmt: skip
        works = (PROBING, ANNOUNCING, self.neighbors.refresh, advertisements.work)
        self.periodic = Periodic(self.replica.model, works, mastery)
        self.replica.listen(self.periodic.changed)
        self.switchboard = Switchboard(
            self.replica, self.observer, self.links, self.reconciler, packet_ins, self.periodic,
            settings.packet_in_rate, mastery, admission,
        )  # fmt: skip
        self._wires = Wires(self.store, self.replica)
        self._rows = DatabaseRows(self.replica.model, row_units(wire_mtu(settings.underlay_room)))
        self.replica.listen(self._rows.changed)
        on_demand = OnDemand(self.replica.model, chosen)
        self.replica.listen(on_demand.changed)
        self._external_dns = _external_dns(settings, self.store, self.replica, mastery.speaks)
        inventory = Inventory(self.replica, self.reconciler, on_demand, levels, room, settings.broadcast_rate)
        self.operators = Operators(
            self.replica, self.reconciler, self.switchboard, levels, self.observer, self.links,
            inventory, FabricReport(self.replica, inventory, statuses),
            Readiness(self.store, self.cluster.hindrance) if self.cluster else Readiness(self.store), mtus,
            self.vifs, self._held,
            [packet_ins.metrics, services.metrics, names.metrics, leases.metrics, self._relay.metrics,
             self.periodic.metrics, last_drops.metrics, room.metrics, self.neighbors.metrics, self.rankings.metrics,
             self.metadata_hosts.metrics,
             *([self.cluster.metrics] if self.cluster else []),
             *([self._external_dns.metrics] if self._external_dns else [])],
            self._databases,
        )  # fmt: skip
        self._notifier = _notifier(settings, self.store, self.replica, statuses, levels, mastery.speaks)
        context = Context(
            store=self.store,
            replica=self.replica,
            statuses=statuses,
            operators=self.operators,
            events=self._events,
            underlay_mtu=settings.underlay_room,
            least_mtu=settings.least_mtu,
            physical=settings.physical,
            limits=settings.quotas,
            gateways=GatewayOperations(self.store, self.replica, levels.is_away),
            metadata_hosts=self.metadata_hosts,
            drops=DropReport(self.replica.model, last_drops, self.switchboard, inventory, rates),
            external_dns=ExternalDnsReport(self.replica, self._external_dns, settings.external_dns),
            metering=MeterReport(self.replica.model, self.switchboard),
            names=names.resolved,
            leases=leases.report,
            preview=Preview(self.replica.model, on_demand).switches,
            cluster=self.cluster.report if self.cluster else None,
            offered=settings.offered_interfaces,
            quantum=settings.quantum,
            naming=_naming(settings),
            hosts=Hosts(settings.hosts, tokens=settings.auth != "none"),
            **_identity(settings),
        )
        self.application = application(context)

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT; the exit status."""
        settings = self._settings
        hub.spawn(self._await_end)
        self._held.start()
        self.replica.start()
        garbage.settle()
        if self._confirmations:
            self._confirmations.start()
        self.reconciler.start()
        self.observer.start()
        self.vifs.start()
        self.rankings.start()
        self.metadata_hosts.start()
        self.forgetting.start()
        self.links.start()
        self.periodic.start()
        self.neighbors.start()
        self._relay.start()
        self._events.start(self._levels)
        if self._notifier is not None:
            self._notifier.start()
        if self._external_dns is not None:
            self._external_dns.start()
        listener = _listen("northbound", settings.northbound)
        switches = framework.serve(
            settings.openflow, self.switchboard, tls=self._tls, barred=barred(settings), admit=self.switchboard.admit,
            echo_interval=settings.echo_interval,
        )  # fmt: skip
        databases = ovsdb.serve(
            settings.ovsdb, self.observer.hypervisor, controller_port=switches.address[1], tls=self._tls,
            barred=barred(settings), bind=settings.bind_certificates, refused=self._refused_database,
            cluster=self.cluster.roster if self.cluster else None, wires=self._wires, watch=self.observer.bridges,
            admitted=self._databases, units=self._rows,
        )  # fmt: skip
        if self.cluster:
            self.cluster.join(switches.address, databases.address, listener.getsockname()[:2])
        hub.spawn(self._serve_rest, listener)
        self._held.ready()
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
        if self._confirmations:
            self._confirmations.finish()
        self.store.close()
        self._held.stop()
        return self._status

    def _refused_database(self, address: str, why: str) -> None:
        self.switchboard.refused(address, f"OVSDB: {why}", False)

    def _fail(self) -> None:
        """A part without which the others would mislead has ended: end, and let whoever watches start us anew."""
        self._status = 1
        self._stopped.set()

    def _await_end(self) -> None:
        hub.wait_for_signal((signal.SIGTERM, signal.SIGINT))
        self._stopped.set()

    def _serve_rest(self, listener: socket.socket) -> None:
        try:
            serve(listener, self.application, self._settings.connections_per_address, self._https)
        except Exception:
            if not self._stopped.is_set():  # a process without its API is of no use: whoever watches starts it anew
                log.critical("the REST listener failed", exc_info=True)
                self._fail()


def _identity(settings: Settings) -> dict[str, Any]:
    """Who asks and what they may, as Context takes it; libraries are imported only where they are used."""
    if settings.auth == "none":
        return {}
    from northbound.enforce import Rules

    policy = Rules(settings.files)
    if settings.auth == "tokens":
        return {"policy": policy, "identity": Tokens(Path(settings.tokens), policy.is_operator)}
    from northbound.identity.keystone import Keystone

    return {"policy": policy, "identity": Keystone(settings.files, policy.is_operator)}


def _notifier(settings: Settings, store: Any, replica: Any, statuses: Any, levels: Any, mine: Any) -> Any:
    """Who tells Nova of ports, or None."""
    if not settings.nova:
        return None
    from controller.publish.nova import Notifier, Nova

    return Notifier(store, replica, statuses, levels, Nova(settings.nova, settings.files), mine)


def _external_dns(
    settings: Settings, store: Store, replica: Replica, mine: Callable[[str], bool]
) -> ExternalDns | None:
    said = settings.external_dns
    return ExternalDns(store, replica, said, settings.physical, DnsServer(said), mine) if said is not None else None


def _naming(settings: Settings) -> Naming:
    """Names of ports as they are shown: those of networks that publish them externally are in domains of their own."""
    naming = settings.services.naming
    if settings.external_dns is None:
        return naming
    return naming._replace(published=partial(publishes, physical=settings.physical))


def _listen(section: str, address: tuple[str, int]) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    try:
        listener: socket.socket = hub.listen(address, family=family, backlog=1024)
    except OSError as error:
        raise Misconfigured(f"[{section}] listen = {address[0]}:{address[1]}: {error.strerror or error}") from error
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener

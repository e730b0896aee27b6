"""Cluster membership, mastership, guard and report of one controller, wired together."""

from __future__ import annotations

import ipaddress
import re
import socket
import time
from collections.abc import Iterable
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from controller.cluster.guard import Guard
from controller.cluster.held_lease import HeldLease
from controller.cluster.levels import ClusterProgress
from controller.cluster.mastery import Shared
from controller.cluster.membership import Membership
from controller.cluster.report import Report
from controller.cluster.roster import Roster
from controller.config.settings import Settings
from controller.model.rows import Member
from controller.reconcile.progress import Progress
from controller.runtime.errors import Misconfigured
from controller.store.replica import Replica
from controller.store.store import Store

Address = tuple[str, int]


class Cluster:
    def __init__(self, store: Store, replica: Replica, progress: Progress, settings: Settings) -> None:
        self._store = store
        self._replica = replica
        self._settings = settings
        name = settings.member or default_name(settings.northbound[1])
        self._held = HeldLease()
        self.mastery = Shared(name, replica, self._held.until)
        self.levels = ClusterProgress(replica, progress, self.mastery, time.monotonic)
        self.guard = Guard(replica, self.mastery, settings.accept_empty)
        self.roster = Roster(replica.model, self.mastery)
        self.report = Report(store, replica, self.mastery, self.guard)
        self.membership: Membership | None = None

    def join(self, openflow: Address, ovsdb: Address, rest: Address) -> None:
        """Join the cluster with listeners at these addresses.  Raises `Misconfigured`."""
        me = Member(
            id=self.mastery.me,
            openflow=self._reached("openflow", openflow),
            ovsdb=self._reached("ovsdb", ovsdb),
            rest=f"{_host(rest[0])}:{rest[1]}",
            tls=self._settings.tls,
        )
        self.membership = Membership(
            self._store, self._replica, me, self._settings.lease, self.mastery, self.levels, self._held
        )  # fmt: skip
        self.membership.start()

    def leave(self) -> None:
        if self.membership is not None:
            self.membership.leave()

    def hindrance(self) -> str:
        """Reason why clients should use another member, or ""."""
        if not self.mastery.alive:
            return "this member's lease is not held"
        if self.mastery.view.present.get(self.mastery.me):
            return "this member drains"
        return ""

    def metrics(self) -> Iterable[Any]:
        gauge, mastery, store = GaugeMetricFamily, self.mastery, self._store.space()
        mine = sum(1 for master in mastery.view.masters.values() if master == mastery.me)
        return [
            gauge("tenet_store_bytes", "Size of etcd's database.", value=store["bytes"]),
            gauge("tenet_store_bytes_in_use", "Of it, bytes that are not free.", value=store["bytes_in_use"]),
            gauge("tenet_store_full", "Whether etcd is at its space quota, and refuses writes.", value=store["full"]),
            gauge("tenet_cluster_members", "Members that are present.", value=len(mastery.view.present)),
            gauge("tenet_cluster_member_alive", "Whether this member's lease holds.", value=int(mastery.alive)),
            gauge("tenet_cluster_share", "Switches that are this member's to master.", value=mine),
            gauge("tenet_cluster_held", "Switches that have made this member their master.", value=len(mastery.held)),
            gauge("tenet_cluster_frozen", "Whether this member writes nothing because the model shrank at once.",
                  value=int(bool(mastery.frozen))),
            gauge("tenet_cluster_withheld", "Switches left as they are because the model asks for far fewer flows.",
                  value=len(self.guard.withheld)),
            CounterMetricFamily("tenet_cluster_lapses", "Leases of this member that lapsed.",
                                value=self._held.lapses),
        ]  # fmt: skip

    def _reached(self, section: str, listens: Address) -> str:
        host = self._settings.advertise or listens[0]
        if ipaddress.ip_address(host).is_unspecified:
            raise Misconfigured(f"[cluster] advertise is needed: [{section}] listens on {listens[0]}, on all addresses")
        return f"{_host(host)}:{listens[1]}"


def default_name(port: int) -> str:
    """Default member name: host name and port.  Stable over restarts, unique among members of one machine."""
    host = re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:48].strip("-._") or "member"
    return f"{host}-{port}"


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address

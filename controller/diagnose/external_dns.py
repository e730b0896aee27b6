"""Operators' view of external DNS: what is published, what waits, and what the server refuses."""

from __future__ import annotations

from itertools import islice
from typing import Any

from controller.config.external_dns import ExternalDnsSettings
from controller.diagnose.switches import moment
from controller.model.rows import PublishedName, UnpublishedZone
from controller.publish.external_dns.publisher import SERVER, ExternalDns
from controller.runtime import hub
from controller.store.replica import Replica

MOST = 1000  # names of each list that are shown
TURN = 0.005  # seconds of work before other green threads get a turn


class ExternalDnsReport:
    """`publisher` and `settings`: None where external DNS is not configured."""

    def __init__(
        self, replica: Replica, publisher: ExternalDns | None = None, settings: ExternalDnsSettings | None = None
    ) -> None:
        self._model = replica.model
        self._publisher = publisher
        self._settings = settings

    def report(self) -> dict[str, Any]:
        """Ready for JSON.  `without`: objects whose name another one has; every member answers the same."""
        wanted = self._publisher.wanted if self._publisher is not None else None
        pending = wanted.pending if wanted is not None else {}
        server = self._model.get(UnpublishedZone, SERVER)
        zones = {*pending, *map(str, self._model.values(PublishedName, "zone"))}
        zones |= {zone.name for zone in self._settings.zones} if self._settings is not None else set()
        refused = (row for row in hub.taking_turns(list(self._model.rows(PublishedName).values()), TURN) if row.reason)
        return {
            "server": "{}:{}".format(*self._settings.server) if self._settings is not None else None,
            "unreachable": {"reason": server.reason, "since": moment(server.since)} if server is not None else None,
            "zones": [self._zone(zone, pending.get(zone, 0)) for zone in sorted(zones)],
            "refused": [
                {"name": row.id, "zone": row.zone, "holder": row.holder, "reason": row.reason,
                 "records": [{"type": record.type, "value": record.value} for record in row.records]}
                for row in islice(refused, MOST)
            ],
            "without": [
                {"name": claim.name, "object": claim.holder}
                for claim in islice(wanted.nameless() if wanted is not None else (), MOST)
            ],
        }  # fmt: skip

    def _zone(self, zone: str, pending: int) -> dict[str, Any]:
        trouble = self._model.get(UnpublishedZone, zone)
        return {
            "zone": zone,
            "names": self._model.count(PublishedName, "zone", zone),
            "pending": pending,
            "reason": trouble.reason if trouble is not None else None,
            "since": moment(trouble.since) if trouble is not None else None,
        }

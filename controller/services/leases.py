"""DHCP leases as this member has given them since its start.

The model says who has which address; nothing here decides anything.  The table answers one question of operators: which
running VMs would lose their address, and when, if no controller answered from now on.  It knows nothing of leases that
another member gave, or this one before its start: a client asks again after half of its lease.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from heapq import nsmallest
from operator import attrgetter
from typing import Any, NamedTuple

from prometheus_client.core import GaugeMetricFamily

from controller.diagnose.switches import moment
from controller.model.model import Model
from controller.model.rows import Port
from controller.runtime import hub
from controller.runtime.logpace import LogPace, times

log = logging.getLogger("tenet.dhcp")

MOST_LEASES = 200_000
MOST_DECLINED = 256
MOST_SHOWN = 1000
FOREVER = math.inf
WITHIN = {"1h": 3_600.0, "4h": 14_400.0, "12h": 43_200.0, "ever": FOREVER}  # an outage of how long takes an address
SLICE = 0.005  # seconds of work before other green threads get a turn


class DhcpLease(NamedTuple):
    """A lease as it was last acknowledged.  Times in seconds since 1970; `ends` is infinite for one without end."""

    port_id: str
    address: str
    acknowledged: float
    ends: float


class DeclinedAddress(NamedTuple):
    """An address that a client found in use by somebody else (RFC 2131, 3.1.5), and how often it said so."""

    port_id: str
    address: str
    at: float
    times: int


class Leases:
    """Table of the leases that this member has given, the latest of each address of a port.

    Bounded; the oldest go first.  `clock`: seconds since 1970.  `speaks`: whether this member tells of a switch; what
    it gave at another one has been renewed by the member that does.
    """

    def __init__(self, model: Model, clock: Callable[[], float], speaks: Callable[[str], bool]) -> None:
        self._model = model
        self._clock = clock
        self._speaks = speaks
        self._given: dict[tuple[str, str], DhcpLease] = {}
        self._declined: dict[tuple[str, str], DeclinedAddress] = {}
        self._pace = LogPace()

    def acknowledged(self, port_id: str, address: str, seconds: float) -> None:
        now = self._clock()
        self._given.pop((port_id, address), None)  # so that the oldest is the first
        if len(self._given) >= MOST_LEASES:
            del self._given[next(iter(self._given))]
        self._given[port_id, address] = DhcpLease(port_id, address, now, now + seconds)

    def released(self, port_id: str, address: str) -> None:
        self._given.pop((port_id, address), None)

    def declined(self, port_id: str, address: str) -> None:
        before = self._declined.pop((port_id, address), None)
        if len(self._declined) >= MOST_DECLINED:
            del self._declined[next(iter(self._declined))]
        count = before.times + 1 if before else 1
        self._declined[port_id, address] = DeclinedAddress(port_id, address, self._clock(), count)
        self.released(port_id, address)
        if told := self._pace.due(port_id):
            log.warning("port %s declined its address %s: somebody else uses it%s", port_id, address, times(told))

    def current(self) -> Iterator[DhcpLease]:
        """Leases that have not ended, of ports that still have the address, at switches that this member tells of; with
        turns for others.
        """
        now = self._clock()
        for lease in hub.taking_turns(list(self._given.values()), SLICE):
            if lease.ends >= now and self._has(lease.port_id, lease.address):
                at = self._model.placement.bindings.get(lease.port_id)
                if at is not None and self._speaks(at.switch_id):
                    yield lease
            elif self._given.get((lease.port_id, lease.address)) is lease:
                del self._given[lease.port_id, lease.address]

    def declines(self) -> list[DeclinedAddress]:
        """Addresses of ports that still have them."""
        for key in [key for key in self._declined if not self._has(*key)]:
            del self._declined[key]
        return list(self._declined.values())

    def report(self) -> dict[str, Any]:
        """Ready to be answered as JSON: the leases that end first, how many end within a time if no controller answers
        until then ({"1h": n, "4h": n, "12h": n, "ever": all}), and what clients declined.
        """
        leases = list(self.current())
        first = nsmallest(MOST_SHOWN, hub.taking_turns(leases, SLICE), key=attrgetter("ends", "port_id"))
        return {
            "leases": [
                {"port_id": one.port_id, "ip_address": one.address, "acknowledged_at": moment(one.acknowledged),
                 "ends_at": None if one.ends == FOREVER else moment(one.ends)} for one in first
            ],
            "ending": self._ending(hub.taking_turns(leases, SLICE)),
            "declined": [
                {"port_id": one.port_id, "ip_address": one.address, "at": moment(one.at), "times": one.times}
                for one in self.declines()
            ],
        }  # fmt: skip

    def _ending(self, leases: Iterable[DhcpLease]) -> dict[str, int]:
        now = self._clock()
        found = Counter[str]()
        for lease in leases:
            found.update([name for name, within in WITHIN.items() if lease.ends - now <= within])
        return {name: found[name] for name in WITHIN}

    def metrics(self) -> Iterable[GaugeMetricFamily]:
        leases = GaugeMetricFamily(
            "tenet_dhcp_leases",
            "Leases that this member gave since its start and that end within a time if nobody renews them.",
            labels=["ends_within"],
        )
        for name, count in self._ending(self.current()).items():
            leases.add_metric([name], count)
        yield leases
        declined = GaugeMetricFamily("tenet_dhcp_declined", "Addresses that clients found in use by somebody else.")
        declined.add_metric([], len(self.declines()))
        yield declined

    def _has(self, port_id: str, address: str) -> bool:
        port = self._model.get(Port, port_id)
        return port is not None and address in port.addresses

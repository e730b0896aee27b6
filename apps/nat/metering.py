"""Metering labels: what crosses a router's gateway is counted by flows, for each label of its project.

A packet is asked about with the addresses that it has inside: before it is translated on its way out, after that on its
way in; wherever that is done, at the gateway or on the host of a floating IP.  For one label it counts once, however
many of its rules say that it does, and not at all where one excludes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from ipaddress import ip_network

from controller.flow import Action, Field, Flow, in_order, resubmit
from controller.flow.fields import masked
from controller.model.reader import Reader
from controller.model.rows import MeteringLabel, MeteringLabelRule, Router

from ..matches import IPV4, IPV6, bits
from ..pipeline import FROM_OUTSIDE, HIGH, METERED, METERING_LABEL, ROUTER, USUAL

DIRECTIONS = {"egress": 0, "ingress": 1}  # in FROM_OUTSIDE
_ASK: tuple[Action, ...] = (resubmit(METERED.number),)


def crossing(router: Router, see: Reader) -> tuple[Action, ...]:
    """Count a packet of the router that leaves by its gateway, or has come in by it."""
    return _ASK if labels_of(router, see) else ()


def labels_of(router: Router, see: Reader) -> list[MeteringLabel]:
    """The labels that count what crosses a router's gateway, by id: of its project, and shared ones."""
    found = (*see.find(MeteringLabel, "project_id", router.project_id), *see.find(MeteringLabel, "shared", True))
    return sorted({label.id: label for label in found}.values(), key=lambda label: label.id)


def router(router: Router, see: Reader) -> Iterator[Flow]:
    """Each label is asked in turn; then its rules count."""
    numbers = _numbers(labels_of(router, see))
    if not numbers:
        return
    turns = [each for number in numbers.values() for each in (METERING_LABEL.put(number), *_ASK)]
    match = in_order(ROUTER.match(router.number), METERING_LABEL.match(0))
    yield Flow(METERED, USUAL, match, (*turns, METERING_LABEL.put(0)))
    for label_id in numbers:
        for rule in see.find(MeteringLabelRule, "metering_label_id", label_id):
            yield _flow(router, numbers[label_id], rule)


def counting(router: Router, label: MeteringLabel, direction: str, see: Reader) -> Iterator[Flow]:
    """The flows that count for a label what crosses a router's gateway in one direction."""
    number = _numbers(labels_of(router, see)).get(label.id)
    for rule in see.find(MeteringLabelRule, "metering_label_id", label.id) if number else ():
        if rule.direction == direction and not rule.excluded:
            yield _flow(router, number or 0, rule)


def _numbers(labels: list[MeteringLabel]) -> dict[str, int]:
    """A number for each label: a digest, so that it keeps it when others come and go; the next where that is taken."""
    found: dict[str, int] = {}
    most = (1 << METERING_LABEL.width) - 1
    for label in labels:
        number = int.from_bytes(blake2b(label.id.encode(), digest_size=8).digest()) % most + 1
        while number in found.values():
            number = number % most + 1
        found[label.id] = number
    return found


def _flow(router: Router, number: int, rule: MeteringLabelRule) -> Flow:
    """Counts; or, of a rule that excludes, keeps what matches from being counted."""
    inside = "src" if rule.direction == "egress" else "dst"
    prefixes = {"src": rule.source_ip_prefix, "dst": rule.destination_ip_prefix}
    if rule.remote_ip_prefix:
        prefixes[inside] = rule.remote_ip_prefix
    at = bits((ROUTER, router.number), (FROM_OUTSIDE, DIRECTIONS[rule.direction]))
    match = [each for end, prefix in prefixes.items() if prefix for each in _within(end, prefix)]
    of = in_order(*dict.fromkeys(match), at, METERING_LABEL.match(number))
    return Flow(METERED, HIGH if rule.excluded else USUAL, of)


def _within(end: str, prefix: str) -> Iterator[Field]:
    network = ip_network(prefix)
    yield IPV6 if network.version == 6 else IPV4
    if network.prefixlen:
        name = f"ipv{network.version}_{end}"
        yield masked(name, str(network.network_address), int(network.netmask))


IN_ROUTER = {"router": router}

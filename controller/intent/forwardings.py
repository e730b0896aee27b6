"""Rules of port forwardings: connections to ports of a floating IP go to ports of a fixed address."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from controller.intent.env import Means
from controller.model.rows import FloatingIp, Port, PortForwarding
from controller.runtime.errors import Conflict, Invalid, NotFound
from controller.store.transaction import Transaction

from . import floatingips, port_uses, ports, standard, visibility
from .spans import Span, Spans
from .standard import StandardRequest

PROTOCOLS = ("tcp", "udp", "sctp")  # those with ports that connections are tracked by


class ForwardingRequest(StandardRequest, total=False):
    """Requested attributes of a port forwarding; missing keys were not given, None and "" are null.

    One port or a range of them may be given; of both, the range counts.
    """

    floatingip_id: str
    protocol: str
    external_port: int | None
    external_port_range: Span | None
    internal_port: int | None
    internal_port_range: Span | None
    internal_port_id: str
    internal_ip_address: str


def bad(said: str) -> Invalid:
    return Invalid(f"Bad port_forwarding request: {said}.", "BadRequest")


def required(tx: Transaction, forwarding_id: str) -> PortForwarding:
    forwarding = tx.get(PortForwarding, forwarding_id)
    if forwarding is None:
        raise NotFound(f"Port Forwarding {forwarding_id[:64]} could not be found.", "PortForwardingNotFound")
    return forwarding


def create(tx: Transaction, project_id: str, request: ForwardingRequest, means: Means) -> PortForwarding:
    """Forward ports of a floating IP, which takes the router that leads to the port.

    Raises Invalid for ports that are forwarded already, ranges that do not fit, and a port without a way to the
    floating IP; Conflict where the floating IP or the port has an association.
    """
    floating = floatingips.required(tx, request["floatingip_id"])
    if floating.port_id:
        address = request.get("internal_ip_address", "")
        raise port_uses.already_associated(floating, request["internal_port_id"], address)
    port = _port(tx, floating, request["internal_port_id"], means)
    forwarding = PortForwarding(
        **standard.fields(floating.project_id, request, means),
        floatingip_id=floating.id,
        protocol=request["protocol"],
        external_ports=_span(request, "external"),
        internal_ports=_span(request, "internal"),
        internal_port_id=port.id,
        internal_ip_address=_address(port, request.get("internal_ip_address", "")),
    )
    _check(tx, floating, port, forwarding)
    _route(tx, floating, port, forwarding, means)
    _enter(tx, forwarding)
    return forwarding


def update(tx: Transaction, forwarding_id: str, request: ForwardingRequest, means: Means) -> PortForwarding:
    """Change a port forwarding.  Raises as `create` does."""
    forwarding = required(tx, forwarding_id)
    floating = floatingips.required(tx, forwarding.floatingip_id)
    port_id = request.get("internal_port_id", forwarding.internal_port_id)
    port = _port(tx, floating, port_id, means)
    there = forwarding.internal_ip_address if port_id == forwarding.internal_port_id else ""
    changes: dict[str, Any] = {name: request[name] for name in ("protocol", "description") if name in request}
    changes["internal_port_id"] = port.id
    changes["internal_ip_address"] = _address(port, request.get("internal_ip_address") or there)
    for side in ("external", "internal"):
        if request.get(f"{side}_port") or request.get(f"{side}_port_range"):
            changes[f"{side}_ports"] = _span(request, side)
    changed = replace(forwarding, **changes)
    if changed == forwarding:
        return forwarding
    changed = replace(changed, updated_at=means.now())
    _check(tx, floating, port, changed)
    _route(tx, floating, port, changed, means)
    for place in port_uses.forwarding_places(forwarding):
        tx.release(place)
    _enter(tx, changed)
    return changed


def delete(tx: Transaction, forwarding_id: str, means: Means) -> None:
    port_uses.end_forwarding(tx, required(tx, forwarding_id), means)


def _enter(tx: Transaction, forwarding: PortForwarding) -> None:
    for place in port_uses.forwarding_places(forwarding):
        tx.reserve(place, forwarding)
    tx.put(forwarding)


def _port(tx: Transaction, floating: FloatingIp, port_id: str, means: Means) -> Port:
    port = visibility.required(tx, Port, port_id, means, ports.missing(port_id))
    if port.project_id != floating.project_id and not means.operator:
        raise bad(f"port {port_id} is owned by a different project than floating IP {floating.id}")
    return port


def _address(port: Port, address: str) -> str:
    """The port's IPv4 address that is asked for, else its first one."""
    candidates = [fixed.ip_address for fixed in port.fixed_ips if ":" not in fixed.ip_address]
    if not candidates:
        raise bad(f"Requested internal port {port.id} must allocate an IPv4 address at least")
    if address and address not in candidates:
        raise bad(
            f"Requested internal IP address {address} is not suitable for internal neutron port {port.id}, as its "
            f"fixed_ips are {', '.join(candidates)}"
        )
    return address or candidates[0]


def _span(request: ForwardingRequest, side: str) -> Span:
    """The requested ports, external or internal ones.  Raises Invalid where there are none."""
    asked: dict[str, Any] = {**request}
    span: Span | None = asked.get(f"{side}_port_range")
    single: int | None = asked.get(f"{side}_port")
    if span is not None:
        return span
    if single is None:
        raise bad(f"{side}_port or {side}_port_range must be specified")
    return single, single


def _check(tx: Transaction, floating: FloatingIp, port: Port, forwarding: PortForwarding) -> None:
    """Raises Invalid for ranges that do not fit each other or overlap others.

    Raises Conflict for a port with a floating IP.
    """
    internal, external = forwarding.internal_ports, forwarding.external_ports
    width = internal[1] - internal[0]
    if width and width != external[1] - external[0]:
        raise bad(
            "Invalid ranges of internal and/or external ports. The relation between internal and external ports must "
            "be N-N or 1-N"
        )
    tx.guard(f"fip-port/{port.id}")
    for other in tx.find(FloatingIp, "port_id", port.id)[:1]:
        raise Conflict(
            f"Cannot create port forwarding to floating IP {other.floating_ip_address} ({other.id}) with port "
            f"{port.id} using fixed IP {forwarding.internal_ip_address}, as that port already has a binding floating "
            f"IP.",
            "PortHasBindingFloatingIP",
        )
    tx.guard(f"forwarded/{port.id}")
    tx.guard(f"forwarding/{floating.id}")
    address = forwarding.internal_ip_address
    _take(tx, forwarding, "internal", internal, (port.id, forwarding.protocol, address), lambda: [
        each.internal_ports for each in _others(tx, forwarding, "internal_port_id", port.id)
        if each.internal_ip_address == address
    ])  # fmt: skip
    _take(tx, forwarding, "external", external, (floating.id, forwarding.protocol), lambda: [
        each.external_ports for each in _others(tx, forwarding, "floatingip_id", floating.id)
    ])  # fmt: skip


def _others(tx: Transaction, mine: PortForwarding, index: str, value: str) -> list[PortForwarding]:
    """Other port forwardings of the protocol at a port or of a floating IP."""
    found = tx.find(PortForwarding, index, value)
    return [each for each in found if each.id != mine.id and each.protocol == mine.protocol]


def _take(
    tx: Transaction,
    mine: PortForwarding,
    side: str,
    wanted: Span,
    where: tuple[str, ...],
    there: Callable[[], Iterable[Span]],
) -> None:
    """Check ports against those that are taken, and take them for the next port forwarding of a bulk."""
    key = ("forwarded", side, where)
    if key not in tx.memo:
        tx.memo[key] = Spans(there())
    spans: Spans = tx.memo[key]
    other = spans.overlapping(wanted)
    if other is not None:
        raise bad(
            f"There is a port collision with the {side}_port_range. The following ranges collide: "
            f"{other[0]}:{other[1]} and {wanted[0]}:{wanted[1]}"
        )
    spans.add(wanted)


def _route(tx: Transaction, floating: FloatingIp, port: Port, forwarding: PortForwarding, means: Means) -> None:
    """Give the floating IP the router that leads to the port.  Raises Invalid where it has another, or none leads."""
    subnet = next(fixed.subnet_id for fixed in port.fixed_ips if fixed.ip_address == forwarding.internal_ip_address)
    router_id = floatingips.router_between(tx, port, subnet, floating.floating_network_id)
    if not router_id:
        raise bad(
            f"External network {floating.floating_network_id} is not reachable from subnet {subnet}. Cannot set Port "
            f"forwarding for port {port.id} with Floating IP {floating.id}"
        )
    if floating.router_id not in ("", router_id):
        raise bad(
            f"The Floating IP {floating.id} had been set on router {floating.router_id}, the internal Neutron port "
            f"{port.id} can not reach it"
        )
    routed = port_uses.associate(tx, floating, "", "", router_id)
    if routed != floating:
        tx.put(replace(routed, updated_at=means.now()))

"""Whether all is as it should be, once nothing happens any more: each function yields what is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from controller.compile.catalogue import apps
from controller.compile.compiler import Compiler
from controller.config import settings
from controller.flow import Rates
from controller.model.model import Model
from controller.model.rows import Interface, Network, Port, Subnet, Switch
from controller.switches.admission import is_adopted
from tests.lab import Hypervisor
from tests.soak.tenant import Tenant

_DEFAULTS = {option.dest: option.default for each in settings.OPTIONS.values() for option in each}
RATES = Rates(_DEFAULTS["broadcast_rate"], _DEFAULTS["packet_in_rate"])  # soaks leave both as they are
_COOKIE = re.compile(r"cookie=0x([0-9a-f]+)")


def switch(model: Model, hypervisor: Hypervisor) -> Iterator[str]:
    """A switch holds what a compile from nothing says."""
    compiler = Compiler(model, apps(RATES))
    compiler.include(hypervisor.system_id)
    compiler.run()
    wanted = {flow.cookie: flow for flow in compiler.wanted(hypervisor.system_id)}
    lines = [
        line
        for line in hypervisor.ofctl("dump-flows", "--no-stats").splitlines()
        if "cookie=" in line and "hard_timeout=" not in line
    ]
    held = {int(found[1], 16): line for line in lines if (found := _COOKIE.search(line))}
    if len(held) < len(lines):
        yield f"{hypervisor.system_id} holds {len(lines) - len(held)} flows twice"
    for cookie in held.keys() - wanted.keys():
        yield f"{hypervisor.system_id} holds, and should not: {held[cookie]}"
    for cookie in wanted.keys() - held.keys():
        yield f"{hypervisor.system_id} lacks {wanted[cookie]}"


def interfaces(model: Model, hypervisor: Hypervisor) -> Iterator[str]:
    """What is plugged in is written down."""
    told = {(row.name, row.ofport) for row in model.find(Interface, "switch_id", hypervisor.system_id)}
    names = [name for name in hypervisor.vsctl("list-ports", "br-int").split() if not name.startswith("tenet-")]
    seen = {(name, int(hypervisor.vsctl("get", "interface", name, "ofport"))) for name in names}
    for one in told ^ seen:
        yield f"{hypervisor.system_id}: interface {one} is only {'stored' if one in told else 'on the switch'}"


def statuses(model: Model, ports: list[dict[str, Any]]) -> Iterator[str]:
    """A port that is plugged in and up is ACTIVE, any other DOWN."""
    shown = {port["id"]: port for port in ports}
    if shown.keys() != model.rows(Port).keys():
        yield f"ports shown and not stored, or stored and not shown: {shown.keys() ^ model.rows(Port).keys()}"
    for port_id, port in model.rows(Port).items():
        network = model.get(Network, port.network_id)
        up = port.admin_state_up and network is not None and network.admin_state_up
        wanted = "ACTIVE" if up and port_id in model.placement.bindings else "DOWN"
        status = shown.get(port_id, {}).get("status")
        if status != wanted:
            yield f"port {port_id} is {status}, not {wanted}: {shown.get(port_id)}"


def reservations(model: Model) -> Iterator[str]:
    """Networks, subnets, ports and switches hold what is theirs, and nobody holds anything else (but quotas' slots)."""
    due: dict[str, str] = {}
    for network in model.rows(Network).values():
        due[f"segment/{network.segment}"] = network.key
    for subnet in model.rows(Subnet).values():
        due[f"member/{subnet.network_id}/subnet/{subnet.id}"] = subnet.key
    for switch in model.rows(Switch).values():
        due[f"switch/{switch.number}"] = switch.key
        if not is_adopted(switch):
            if not any(why.startswith("host name") for why in switch.refused):
                due[f"host/{switch.host}"] = switch.key
            if switch.encap_ip:
                due[f"encap/{switch.encap_ip}"] = switch.key
    for port in model.rows(Port).values():
        due[f"member/{port.network_id}/port/{port.id}"] = port.key
        due |= {f"ip/{fixed.subnet_id}/{fixed.ip_address}": port.key for fixed in port.fixed_ips}
        due[f"mac/{port.network_id}/{port.mac_address}"] = port.key
        if port.vif != port.id and port.vif:
            due[f"vif/{port.vif}"] = port.key
    held = {key.removeprefix("taken/"): holder for key, holder in model.taken.items()}
    for key, holder in held.items():
        if holder not in model.revisions:
            yield f"{key} is held by {holder}, which is no more"
        if due.get(key, "") != holder and not key.startswith("quota/"):
            yield f"{key} is held by {holder}, not by {due.get(key)}"
    for key in due.keys() - held.keys():
        yield f"{key} is held by nobody, not by {due[key]}"


def acknowledged(model: Model, tenant: Tenant) -> Iterator[str]:
    """What a tenant was told to have it has, and what it was told to be gone is gone."""
    for kind, rows in tenant.there.items():
        for id in rows:
            if f"{kind}/{id}" not in model.revisions:
                yield f"{tenant.project}: {kind} {id} was acknowledged and is not there"
    for id in tenant.gone:
        if any(f"{kind}/{id}" in model.revisions for kind in tenant.there):
            yield f"{tenant.project}: {id} was deleted and is there"


def log(text: str, fault: str) -> Iterator[str]:
    """There is no `fault`, a regular expression, in a log."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if re.search(fault, line):
            yield "log: " + " | ".join(lines[number : number + 12])

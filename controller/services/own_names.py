"""Names that the resolver knows for a port that asks: those of the ports of its project.

A project's names are told to its own ports and to no others, also in shared networks.  Networks of a project may have
the same names and addresses: those of the asking port's network come first, and hide those of the others.
"""

from __future__ import annotations

import re

from controller.intent.ranges import canonical
from controller.model.names import Naming, all_of, assignments, default_host, domain
from controller.model.rows import Network, Port
from controller.model.rows.base import Reads

_V4 = re.compile("[0-9]{1,3}(?:-[0-9]{1,3}){3}")


def addresses(name: str, asker: Port, reads: Reads, naming: Naming) -> list[str] | None:
    """Addresses of a name, which is fully qualified and in lower case; None where it is not the project's."""
    ports = _named(name, asker, reads, naming)
    if ports:
        return [fixed.ip_address for port in ports for fixed in port.fixed_ips]
    address = _address_in(name, naming)
    if address and any(not port.dns_name for port in _owned(address, asker, reads)):
        return [address]
    return None


def names(address: str, asker: Port, reads: Reads, naming: Naming) -> list[str]:
    """Fully qualified names of an address of the project."""
    found = {
        each.fqdn: None
        for port in _nearest(_owned(address, asker, reads), asker)
        for each in assignments(port, reads, naming)
        if each.ip_address == address
    }
    return [f"{fqdn.removesuffix('.')}." for fqdn in found]


def zone(name: str, asker: Port, reads: Reads, naming: Naming) -> str:
    """The domain of ports' names, or that of the asking port or its network, that a name is in; "" for neither."""
    network = reads.get(Network, asker.network_id)
    said = domain(asker, network) if network is not None else ""
    return next((own for own in (naming.domain, said) if own and within(name, own)), "")


def within(name: str, domain: str) -> bool:
    """Whether a fully qualified name is a domain's own, or below it."""
    return name == domain or name.endswith(f".{domain}")


def _named(name: str, asker: Port, reads: Reads, naming: Naming) -> list[Port]:
    """Ports with this name as their `dns_name`, in any of its domains; one label alone is a name in all of them."""
    labels = name[:-1].split(".")
    found = list(_owned(name, asker, reads))  # of a fully qualified `dns_name`
    for cut in range(1, len(labels) + 1):
        host = ".".join(labels[:cut])
        known: dict[object, bool] = {}  # what its domains follow from -> whether the name is in one: looked at once
        for port in _owned(host, asker, reads):
            if port.dns_name != host:
                continue
            where = port.network_id, port.dns_domain, port.dns_keywords
            if where not in known:
                known[where] = len(labels) == 1 or name in all_of(port, reads.get(Network, port.network_id), naming)
            if known[where]:
                found.append(port)
    return _nearest(found, asker)


def _address_in(name: str, naming: Naming) -> str:
    """The address in the name of a port without a `dns_name`, host-10-0-0-5; "" where it is no such name."""
    label, _, rest = name.partition(".")
    said = label.removeprefix("host-")
    if said == label or rest not in ("", naming.domain):
        return ""
    try:
        address = canonical(said.replace("-", "." if _V4.fullmatch(said) else ":"))
    except ValueError:
        return ""
    return address if default_host(address) == label else ""


def _owned(name: str, asker: Port, reads: Reads) -> list[Port]:
    """Ports of the asking port's project by `dns_name` or address."""
    return reads.find(Port, "owned_names", (asker.project_id, name)) if asker.project_id else []


def _nearest(ports: list[Port], asker: Port) -> list[Port]:
    return [port for port in ports if port.network_id == asker.network_id] or ports

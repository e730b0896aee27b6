"""Names of ports in the DNS: host names, fully qualified names, and the domains that they are in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from .rows import Network, Port
from .rows.base import Reads

DEFAULT_DOMAIN = "openstacklocal."
LONGEST = 254  # characters of a name with its last dot: 255 bytes on the wire (RFC 1035, 2.3.4)
LABEL = re.compile("[0-9a-z](?:[0-9a-z-]{0,61}[0-9a-z])?")  # RFC 1123, 2.1
KEYWORDS = ("project_id", "project_name", "user_id", "user_name")  # what a domain may have as <KEYWORD>
_KEYWORD = re.compile(f"<({'|'.join(KEYWORDS)})>")


def nowhere(reads: Reads, network: Network) -> bool:
    """Whether fixed IPs of a network are published to an external DNS server: without one they are not."""
    return False


class Naming(NamedTuple):
    """Configuration of ports' names.  `domain`: where they are, with its last dot; "" for none.

    `published`: whether the fixed IPs of a network are published to an external DNS server.
    """

    domain: str = DEFAULT_DOMAIN
    published: Callable[[Reads, Network], bool] = nowhere


class Assignment(NamedTuple):
    """Name of one fixed IP; `fqdn` ends in a dot where there is a domain."""

    ip_address: str
    hostname: str
    fqdn: str


def assignments(port: Port, reads: Reads, naming: Naming) -> list[Assignment]:
    """The name of each fixed IP of a port, as `dns_assignment` shows it."""
    if not port.dns_name:
        return [_by_address(fixed.ip_address, naming.domain) for fixed in port.fixed_ips]
    fqdn = qualified(port, reads, naming)
    return [Assignment(fixed.ip_address, port.dns_name, fqdn) for fixed in port.fixed_ips]


def _by_address(address: str, domain: str) -> Assignment:
    host = default_host(address)
    return Assignment(address, host, below(host, domain))


def default_host(address: str) -> str:
    """Host name of an address that nobody named: host-10-0-0-5."""
    return f"host-{address.replace('.', '-').replace(':', '-')}"


def qualified(port: Port, reads: Reads, naming: Naming) -> str:
    """Fully qualified name of a port with a `dns_name`.

    A domain that the port or its network says counts where the port is published to an external DNS server, as
    upstream; the resolver here answers for the name below either.
    """
    network = reads.get(Network, port.network_id)
    if network is not None and naming.published(reads, network):
        said = domain(port, network)
        if said and not port.dns_name.endswith("."):
            return below(port.dns_name, said)
    return below(port.dns_name, naming.domain)


def domain(port: Port, network: Network) -> str:
    """The domain that a port, else its network, says, with the values of its keywords.

    "" where there is none, also when a keyword has no value that is a label: what is not known is not guessed.
    """
    said = port.dns_domain or network.dns_domain
    if "<" not in said:
        return said
    values = {"project_id": port.project_id, **dict(port.dns_keywords)}
    found = _KEYWORD.sub(lambda match: _label(values, match[1]), said)
    return "" if "<" in found or len(found) > LONGEST else found


def below(host: str, domain: str) -> str:
    """A host's name within a domain; a fully qualified one stays as it is."""
    return f"{host}.{domain}" if domain and not host.endswith(".") else host


def all_of(port: Port, network: Network | None, naming: Naming) -> Iterator[str]:
    """Every fully qualified name that the resolver knows a port with a `dns_name` by, with last dots."""
    name = port.dns_name
    if name.endswith("."):
        yield name
        return
    if naming.domain:
        yield below(name, naming.domain)
    said = domain(port, network) if network is not None else ""
    if said and said != naming.domain:
        yield below(name, said)


def _label(values: Mapping[str, str], keyword: str) -> str:
    value = values.get(keyword, "").lower()
    return value if value.isascii() and LABEL.fullmatch(value) else f"<{keyword}>"

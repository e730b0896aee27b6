"""Configuration of what is told to VMs: section [services]."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from oslo_config import cfg

from controller.model.names import DEFAULT_DOMAIN, Naming

OPTIONS: list[cfg.Opt] = [
    cfg.IntOpt("rate", default=50, min=1, max=100_000,
               help="Packets a second that each port may ask the services of its network: DHCP, DNS, router "
                    "solicitations."),
    cfg.IntOpt("project_rate", default=300, min=1, max=1_000_000,
               help="Packets a second that all ports of a project on a switch together may ask the services of their "
                    "networks; four seconds of it at once."),
    cfg.IntOpt("dhcp_lease_time", default=86_400, min=120, max=2**32 - 2,
               help="Seconds of a DHCP lease: so long a running VM keeps its address when no controller answers."),
    cfg.IntOpt("dhcp_renewal_time", min=60, max=2**32 - 2,
               help="Seconds after which a client asks for its lease again (T1).  By default half of the lease."),
    cfg.IntOpt("dhcp_rebinding_time", min=60, max=2**32 - 2,
               help="Seconds after which a client whose renewals were not answered asks every server (T2).  By default "
                    "seven eighths of the lease."),
    cfg.IntOpt("ra_interval", default=200, min=4, max=1800,
               help="Seconds between two router advertisements that nobody asked for."),
    cfg.StrOpt("dns_domain", default=DEFAULT_DOMAIN,
               help="Domain of ports' names, of which Tenet alone answers; empty: names have none."),
    cfg.ListOpt("dns_servers", default=[],
                help="ADDRESS or ADDRESS:PORT of upstream resolvers, in the order in which they are asked for what is "
                    "no port's name; without any, such questions are refused."),
    cfg.ListOpt("dhcp_relay_address", default=[],
                help="Addresses of this host, one of IPv4 and one of IPv6 at most, from which DHCP messages of "
                     "networks with tenet:dhcp_relay are relayed."),
]  # fmt: skip
_LABEL = "[0-9A-Za-z_]([0-9A-Za-z_-]{0,61}[0-9A-Za-z_])?"
_DOMAIN = re.compile(rf"({_LABEL}(\.{_LABEL})*\.?)?")


class ServiceSettings(NamedTuple):
    """Checked options of [services].  Times in seconds."""

    lease: int = 86_400
    renewal: int = 43_200
    rebinding: int = 75_600
    naming: Naming = Naming()
    rate: int = 50  # packets a second of one port
    dns_servers: tuple[tuple[str, int], ...] = ()  # address and port
    ra_interval: int = 200
    relay: tuple[str, ...] = ()
    project_rate: int = 300  # packets a second of all ports of a project on a switch

    @property
    def dns_domain(self) -> str:
        """The domain that VMs are told, in lower case and without a dot at its end."""
        return self.naming.domain.removesuffix(".")


def services(conf: cfg.ConfigOpts) -> ServiceSettings:
    """The options of [services].  Raises ValueError."""
    said = conf.services
    lease = said.dhcp_lease_time
    renewal = lease // 2 if said.dhcp_renewal_time is None else said.dhcp_renewal_time
    rebinding = lease * 7 // 8 if said.dhcp_rebinding_time is None else said.dhcp_rebinding_time
    if not renewal < rebinding < lease:  # RFC 2131, 4.4.5
        raise ValueError(f"[services] dhcp_renewal_time ({renewal}) must be less than dhcp_rebinding_time "
                         f"({rebinding}), and that less than dhcp_lease_time ({lease})")  # fmt: skip
    if len(said.dns_domain) > 253 or not _DOMAIN.fullmatch(said.dns_domain):
        raise ValueError(f"[services] dns_domain: {said.dns_domain!r} is not a domain, such as cloud.example.net")
    domain = said.dns_domain.lower().removesuffix(".")
    naming, servers = Naming(f"{domain}." if domain else ""), tuple(map(_server, said.dns_servers))
    return ServiceSettings(
        lease,
        renewal,
        rebinding,
        naming,
        said.rate,
        servers,
        said.ra_interval,
        _relay(said.dhcp_relay_address),
        said.project_rate,
    )


def _server(said: str) -> tuple[str, int]:
    """Address and port of ADDRESS or ADDRESS:PORT, with an IPv6 address in brackets where a port follows."""
    bracketed = re.fullmatch(r"\[([^]]*)\](?::([0-9]{1,5}))?", said)
    plain = re.fullmatch(r"([0-9.]+)(?::([0-9]{1,5}))?", said)
    match = bracketed or plain
    host, port = (match[1], match[2]) if match else (said, "")
    try:
        address = str(ipaddress.ip_address(host))
    except ValueError:
        address = ""
    number = int(port or 53)
    if not address or not 0 < number < 65536:
        raise ValueError(f"[services] dns_servers: {said[:64]!r} is not of the form ADDRESS or ADDRESS:PORT")
    return address, number


def _relay(addresses: list[str]) -> tuple[str, ...]:
    try:
        found = [ipaddress.ip_address(each) for each in addresses]
    except ValueError:
        found = []
    usable = [each for each in found if not (each.is_unspecified or each.is_multicast or each.is_link_local)]
    if len({each.version for each in usable}) < len(addresses):
        raise ValueError(f"[services] dhcp_relay_address = {', '.join(addresses)}: not one address of this host of "
                         "each IP version at most")  # fmt: skip
    return tuple(map(str, usable))

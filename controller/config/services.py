"""Configuration options of the services of networks: DHCP, router advertisements, DNS."""

from __future__ import annotations

from typing import NamedTuple

from oslo_config import cfg

SERVICES: list[cfg.Opt] = [
    cfg.IntOpt("rate", default=50, min=1, max=100_000,
               help="Packets a second that each port may ask the services of its network: DHCP, DNS, router "
                    "solicitations."),
]  # fmt: skip


class ServiceSettings(NamedTuple):
    """Settings of section `[services]`.  `rate`: packets a second of one port."""

    rate: int


def services(conf: cfg.ConfigOpts) -> ServiceSettings:
    """The section as read; raises Misconfigured."""
    return ServiceSettings(rate=conf.services.rate)

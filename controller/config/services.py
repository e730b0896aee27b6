"""Options of the services that networks have: `[services]`."""

from __future__ import annotations

from typing import NamedTuple

from oslo_config import cfg

from controller.model.names import DEFAULT_DOMAIN, Naming, fault

OPTIONS: list[cfg.Opt] = [
    cfg.StrOpt("dns_domain", default=DEFAULT_DOMAIN,
               help="Domain of ports' names, of which Tenet alone answers; empty: names have none."),
]  # fmt: skip


class ServiceSettings(NamedTuple):
    """Checked options of `[services]`."""

    naming: Naming = Naming()


def checked(conf: cfg.ConfigOpts) -> ServiceSettings:
    """Raises ValueError."""
    return ServiceSettings(naming=Naming(_domain(conf.services.dns_domain)))


def _domain(said: str) -> str:
    """A domain in lower case with its last dot."""
    if not said:
        return ""
    name = f"{said.lower().removesuffix('.')}."
    why = fault(name)
    if why:
        raise ValueError(f"[services] dns_domain: {said[:64]!r} is no domain: {why}")
    return name

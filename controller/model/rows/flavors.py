"""Flavors of routers, and the profiles that they consist of (Networking API v2.0, flavors)."""

from __future__ import annotations

from .base import Reference, Seen, Standard, row


@row("service_profile", lookup=("project_id",), flowless=True)
class ServiceProfile(Standard, frozen=True, kw_only=True):
    """A driver, which is a choice among OpenStack's names, or a text for people.  `project_id` is ""."""

    driver: str = ""
    metainfo: str = ""
    enabled: bool = True


@row(
    "flavor",
    lookup=("project_id", "public", "name", "service_profiles"),
    refers=(Reference("service_profiles", "service_profile", uses=False),),
    seen=Seen(public=True),
    flowless=True,
)
class Flavor(Standard, frozen=True, kw_only=True):
    """What a project may ask for by name, instead of attributes that only operators set.  `project_id` is "".

    `service_profiles`: ids; the first one's driver counts.
    """

    service_type: str
    enabled: bool = True
    service_profiles: tuple[str, ...] = ()

    @property
    def public(self) -> bool:
        """True: by which all of them are found."""
        return True

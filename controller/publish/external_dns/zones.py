"""Zones that names belong to: configured ones, and reverse zones by the prefix of an address."""

from __future__ import annotations

import ipaddress

from controller.config.external_dns import ExternalDnsSettings


class Zones:
    def __init__(self, settings: ExternalDnsSettings) -> None:
        self._zones = {zone.name: zone.projects for zone in settings.zones}
        self._reverse = settings.reverse
        self._prefix = {4: settings.ipv4_prefix, 6: settings.ipv6_prefix}

    def of_name(self, name: str, project_id: str) -> str:
        """The zone in which a project may have this name, the longest if several are; "" for none.

        The name of a zone itself is nobody's: SOA and NS records are there.
        """
        if name in self._zones:
            return ""
        labels = name.split(".")
        for place in range(1, len(labels) - 1):
            zone = ".".join(labels[place:])
            if zone in self._zones:
                projects = self._zones[zone]
                return zone if not projects or project_id in projects else ""
        return ""

    def of_address(self, text: str) -> tuple[str, str]:
        """Reverse name of an address and its zone; ("", "") where no PTR is published for it."""
        address = ipaddress.ip_address(text)
        if not any(address in network for network in self._reverse):  # other IP versions are in no network
            return "", ""
        labels = address.reverse_pointer.split(".")
        left_out = (address.max_prefixlen - self._prefix[address.version]) // (8 if address.version == 4 else 4)
        return f"{'.'.join(labels)}.", f"{'.'.join(labels[left_out:])}."

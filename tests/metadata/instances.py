"""Instances in few words."""

from __future__ import annotations

from controller.services.instance import Instance, InstanceAddress, InstanceInterface, ToldMetadata

MAC = "fa:16:3e:00:00:05"


def address(ip: str, cidr: str, *, gateway: str = "", dhcp: bool = True, mode: str = "") -> InstanceAddress:
    return InstanceAddress(ip, cidr, gateway, dhcp, mode, ("192.0.2.53",), (("198.51.100.0/24", "10.0.0.9"),))


def instance(told: ToldMetadata | None = None, *addresses: InstanceAddress, device: str = "i-1") -> Instance:
    interface = InstanceInterface("p-12345678901234", MAC, "n-1", 1400, addresses or (
        address("10.0.0.5", "10.0.0.0/24", gateway="10.0.0.1"),
    ))  # fmt: skip
    return Instance("p-12345678901234", "red", device, told.hostname if told else "", told or ToldMetadata(),
                    (interface,))  # fmt: skip

"""Instance behind a logical port, as a metadata server is told of it; pure."""

from __future__ import annotations

import msgspec

from controller.model.model import Model
from controller.model.rows import Interface, Network, Port, Subnet, Switch
from controller.services.effective_mtu import EffectiveMtu, configured

MOST_INTERFACES = 64  # that an instance is told of


class ToldMetadata(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """What a port's `tenet:metadata` says of its instance.

    public_keys: name -> OpenSSH public key.  user_data: as text, or user_data_base64.  meta: free pairs.
    vendor_data: any JSON object.
    """

    hostname: str = ""
    public_keys: dict[str, str] = {}
    user_data: str = ""
    user_data_base64: str = ""
    meta: dict[str, str] = {}
    vendor_data: dict[str, object] = {}


class InstanceAddress(msgspec.Struct, frozen=True, gc=False):
    """`address_mode`: of IPv6, as the subnet's; "" for a static address."""

    ip_address: str
    cidr: str
    gateway_ip: str
    dhcp: bool
    address_mode: str
    dns_nameservers: tuple[str, ...]
    host_routes: tuple[tuple[str, str], ...]


class InstanceInterface(msgspec.Struct, frozen=True, gc=False):
    port_id: str
    mac_address: str
    network_id: str
    mtu: int
    addresses: tuple[InstanceAddress, ...]


class Instance(msgspec.Struct, frozen=True, gc=False):
    """`interfaces`: that of the port that asks first, then those of the same device and project."""

    port_id: str
    project_id: str
    device_id: str
    hostname: str
    metadata: ToldMetadata
    interfaces: tuple[InstanceInterface, ...]

    @property
    def id(self) -> str:
        return self.device_id or self.port_id


def port_at(model: Model, number: int, key: int) -> Port | None:
    """The port that has a key on the switch with this number now."""
    for switch in model.find(Switch, "number", number):
        for interface in model.find(Interface, "logical_port", (switch.id, key)):
            for port in model.find(Port, "vif", interface.vif):
                at = model.placement.bindings.get(port.id)
                if at is not None and at.row_id == interface.row_id:
                    return port
    return None


def instance_of(model: Model, port: Port, mtu: EffectiveMtu = configured) -> Instance:
    told = msgspec.json.decode(port.metadata, type=ToldMetadata) if port.metadata else ToldMetadata()
    return Instance(
        port_id=port.id,
        project_id=port.project_id,
        device_id=port.device_id,
        hostname=told.hostname or port.dns_name,
        metadata=told,
        interfaces=tuple(_interface(model, each, mtu) for each in _of_device(model, port)),
    )


def _of_device(model: Model, port: Port) -> list[Port]:
    """A device id is what a project says, so that of another project means nothing."""
    if not port.device_id:
        return [port]
    others = [
        each
        for each in model.find(Port, "device_id", port.device_id)
        if each.project_id == port.project_id and each.id != port.id and not each.trusted
    ]
    return [port, *sorted(others, key=lambda each: each.id)[: MOST_INTERFACES - 1]]


def _interface(model: Model, port: Port, mtu: EffectiveMtu) -> InstanceInterface:
    network = model.get(Network, port.network_id)
    found = [(fixed, model.get(Subnet, fixed.subnet_id)) for fixed in port.fixed_ips]
    addresses = tuple(_address(fixed.ip_address, subnet) for fixed, subnet in found if subnet is not None)
    return InstanceInterface(port.id, port.mac_address, port.network_id, mtu(network) if network else 1500, addresses)


def _address(ip_address: str, subnet: Subnet) -> InstanceAddress:
    return InstanceAddress(
        ip_address=ip_address,
        cidr=subnet.cidr,
        gateway_ip=subnet.gateway_ip,
        dhcp=subnet.enable_dhcp,
        address_mode=subnet.address_mode or subnet.ra_mode,
        dns_nameservers=subnet.dns_nameservers,
        host_routes=tuple((route.destination, route.nexthop) for route in subnet.host_routes),
    )

"""What DHCP tells a port about one of its IPv4 addresses: from the rows of its subnet, its network and itself.

Classless routes repeat the default route, for clients ignore the option "router" beside them (RFC 3442), and lead to
the service address and to the network's other subnets without a router, as OpenStack's own DHCP server has it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import NamedTuple

from apps.packets import dhcp4_names
from apps.packets.dhcp4 import (
    BOOT_FILE,
    BROADCAST_ADDRESS,
    DNS,
    DOMAIN,
    HOST_NAME,
    IPXE,
    LEASE,
    MASK,
    MICROSOFT_ROUTES,
    MTU,
    ROUTER,
    ROUTES,
    SEARCH,
    T1,
    T2,
    TFTP,
    TFTP_ADDRESS,
    USER_CLASS,
    BootFields,
    Dhcp4Message,
    architecture,
    routes,
)
from apps.packets.dhcp4_names import INFINITE, NEXT_SERVER, ExtraOption
from apps.packets.domain_names import encoded
from apps.services.address import ADDRESS4
from controller.config.services import ServiceSettings
from controller.model import names
from controller.model.rows import Network, Port, Subnet

SERVER_ID = IPv4Address(ADDRESS4).packed
DISABLED = "dhcp_disabled"  # the option by which a port asks for no DHCP at all, as for OVN
_ANY, _ON_LINK = "0.0.0.0", bytes(4)
_EFI = {6: "efi-ia32", 7: "efi-x86_64", 9: "efi-x86_64", 10: "efi-arm32", 11: "efi-arm64"}  # IANA, processor types
_EFI_HTTP = range(15, 20)


class DhcpAddress(NamedTuple):
    """An address that DHCP gives, packed, and its subnet."""

    packed: bytes
    subnet: Subnet


class ToldOptions(NamedTuple):
    """Options by code, without those of the protocol itself, the codes that the port itself asked for, and the fields
    of the message for clients that boot over the network.
    """

    values: dict[int, bytes]
    extra: tuple[int, ...]
    boot: BootFields


def disabled(port: Port) -> bool:
    return any(each.name == DISABLED and each.value.lower() == "true" for each in port.dhcp_options)


def extras(port: Port) -> Iterator[ExtraOption]:
    """The options of a port for IPv4 that can be told; others are kept for who asked for them, and not told."""
    for each in port.dhcp_options:
        if each.ip_version == 4:
            try:
                yield dhcp4_names.parse(each.name, each.value)
            except ValueError:
                continue


def client_tags(message: Dhcp4Message, port: Port, subnet: Subnet) -> frozenset[str]:
    """What `tag:` conditions of options may ask for.  A program that booted over the network says so itself."""
    tags = {f"port-{port.id}", f"subnet-{subnet.id}"}
    if IPXE in message.options or b"iPXE" in message.options.get(USER_CLASS, b""):
        tags.add("ipxe")
    kind = architecture(message)
    if kind is not None:
        tags.add(f"arch-{kind}")
        if kind == 0:
            tags.add("bios")
        elif kind in _EFI or kind in _EFI_HTTP:
            tags |= {"efi", _EFI.get(kind, "efi")}
    return frozenset(tags)


def told(
    port: Port, network: Network, at: DhcpAddress, beside: Sequence[Subnet], tags: Collection[str], by: ServiceSettings
) -> ToldOptions:
    """Options for an address of a port.  `beside`: the subnets of its network; `tags`: see `client_tags`."""
    domain = (names.domain(port, network) or by.dns_domain).rstrip(".")
    values = {code: value for code, value in _of_subnet(network, at, beside, domain) if value}
    host = port.dns_name.partition(".")[0]  # the domain has an option of its own
    values[HOST_NAME] = (host or names.default_host(str(IPv4Address(at.packed)))).encode()
    own = [each for each in extras(port) if each.holds(tags)]
    own.sort(key=lambda each: bool(each.tags))  # one with conditions counts more than one without
    set_here = {each.code: each.value for each in own if each.value or each.code not in (LEASE, T1, T2)}
    if ROUTES in set_here:
        set_here.setdefault(MICROSOFT_ROUTES, set_here[ROUTES])
    values |= _times(set_here, by)
    for code, value in set_here.items():
        if value is None:
            values.pop(code, None)
        elif code not in (LEASE, T1, T2):
            values[code] = value
    siaddr = values.pop(NEXT_SERVER, b"")[:4]
    boot = _boot(values, siaddr)
    return ToldOptions(values, tuple(code for code in set_here if code in values), boot)


def _of_subnet(network: Network, at: DhcpAddress, beside: Sequence[Subnet], domain: str) -> Iterator[tuple[int, bytes]]:
    subnet = at.subnet
    prefix = IPv4Network(subnet.cidr)
    yield MASK, prefix.netmask.packed
    yield BROADCAST_ADDRESS, prefix.broadcast_address.packed
    yield ROUTER, IPv4Address(subnet.gateway_ip).packed if subnet.gateway_ip else b""
    yield DNS, _servers(subnet)
    yield MTU, min(network.mtu, 0xFFFF).to_bytes(2, "big")
    yield DOMAIN, domain.encode()
    yield SEARCH, _searched(domain)
    leading = routes(list(_routes(subnet, prefix, beside)))
    yield ROUTES, leading
    yield MICROSOFT_ROUTES, leading


def _servers(subnet: Subnet) -> bytes:
    """0.0.0.0 among them stands for none at all, as upstream has it."""
    if _ANY in subnet.dns_nameservers:
        return b""
    return b"".join([IPv4Address(each).packed for each in subnet.dns_nameservers]) or SERVER_ID


def _searched(domain: str) -> bytes:
    try:
        return encoded(domain) if domain else b""
    except ValueError:
        return b""


def _routes(subnet: Subnet, prefix: IPv4Network, beside: Sequence[Subnet]) -> Iterator[tuple[bytes, int, bytes]]:
    """(prefix, its length, next hop), the next hop 0.0.0.0 where there is none."""
    told = {IPv4Network(each.destination): IPv4Address(each.nexthop).packed for each in subnet.host_routes}
    yield SERVER_ID, 32, _ON_LINK
    for other in beside:
        to = IPv4Network(other.cidr) if other.ip_version == 4 and other.id != subnet.id else None
        if to is not None and to not in told:
            yield to.network_address.packed, to.prefixlen, _ON_LINK
    for to, hop in told.items():
        yield to.network_address.packed, to.prefixlen, hop
    if subnet.gateway_ip and IPv4Network(_ANY + "/0") not in told:
        gateway = IPv4Address(subnet.gateway_ip)
        if gateway not in prefix:
            yield gateway.packed, 32, _ON_LINK
        yield _ON_LINK, 0, gateway.packed


def _times(set_here: dict[int, bytes | None], by: ServiceSettings) -> dict[int, bytes]:
    """Lease, T1 and T2: those of the port where they are in order (RFC 2131, 4.4.5), else by its lease."""
    asked = set_here.get(LEASE)
    lease, renewal, rebinding = by.lease, by.renewal, by.rebinding
    if asked:
        lease = max(int.from_bytes(asked, "big"), 60)
        renewal, rebinding = (INFINITE, INFINITE) if lease == INFINITE else (lease // 2, lease * 7 // 8)
    own = [
        int.from_bytes(set_here.get(code) or b"", "big") or usual for code, usual in ((T1, renewal), (T2, rebinding))
    ]
    if own[0] < own[1] < lease:
        renewal, rebinding = own
    return {code: each.to_bytes(4, "big") for code, each in ((LEASE, lease), (T1, renewal), (T2, rebinding))}


def _boot(values: dict[int, bytes], siaddr: bytes) -> BootFields:
    """Boot file and server in the fields that every boot program reads, beside the options; the next server is, where
    it is not given, the TFTP server, if that is told as an address.
    """
    name = values.get(TFTP, b"")
    server = siaddr or values.get(TFTP_ADDRESS, b"")[:4] or _address(name)
    file = values.get(BOOT_FILE, b"")
    return BootFields(server or bytes(4), name if len(name) < 64 else b"", file if len(file) < 128 else b"")


def _address(name: bytes) -> bytes:
    try:
        return IPv4Address(name.decode("ascii")).packed
    except ValueError:
        return b""

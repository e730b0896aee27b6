"""Configuration options: all of them, with defaults and help texts.  No other module reads configuration."""

from __future__ import annotations

import ipaddress
import math
import re
import ssl
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from oslo_config import cfg

from controller.config import external_dns, metadata, services
from controller.config.physical_networks import PhysicalNetworks, configured
from controller.model.rows.base import DECLARED, KINDS, QUOTAS
from controller.runtime.certificates import own_certificate
from controller.runtime.errors import Misconfigured
from controller.runtime.files import check_secret, check_trusted
from topology.cost import COSTS

T = TypeVar("T")
_FILTERED = (0x0800, 0x0806, 0x86DD)  # IPv4, ARP, IPv6
ADOPTED = 2000  # switches known by OpenFlow only
OPTIONS: dict[str, list[cfg.Opt]] = {
    "store": [
        cfg.StrOpt("url", default="sqlite:///var/tenet.db",
                   help="Where the model is kept: sqlite:///PATH, or etcd://HOST:PORT[,HOST:PORT...]/PREFIX, with TLS "
                        "etcd+https://...?ca=FILE&certificate=FILE&private_key=FILE."),
    ],
    "northbound": [
        cfg.StrOpt("listen", default="127.0.0.1:9696", help="ADDRESS:PORT of the REST API."),
        cfg.BoolOpt("quantum", default=True, help="Quantum's v1.0 and v1.1, too; false: OpenStack's v2.0 alone."),
        cfg.ListOpt("hosts", default=[],
                    help="Names by which clients address the REST API (their Host), beside addresses and localhost; * "
                         "for any."),
        cfg.IntOpt("connections_per_address", default=1024, min=1, max=4096,
                   help="Connections to the REST API from one address at a time."),
    ],
    "openflow": [
        cfg.StrOpt("listen", default="127.0.0.1:6653", help="ADDRESS:PORT where switches connect."),
        cfg.FloatOpt("audit_interval", default=60.0, min=0.5,
                     help="Seconds between counts of each switch's flows; where it holds more or fewer than it should, "
                          "or refused any, all are compared at once."),
        cfg.FloatOpt("verify_interval", default=600.0, min=0.5,
                     help="Seconds between comparisons of all of each switch's flows, groups and meters with what they "
                          "are to be."),
        cfg.FloatOpt("echo_interval", default=5.0, min=0.1,
                     help="Seconds between echo requests; two without an answer end a connection."),
        cfg.IntOpt("packet_in_rate", default=500, min=1,
                   help="Packets a second that a switch may hand to the controller."),
        cfg.IntOpt("drop_rate", default=80, min=8, max=100_000,
                   help="Packets a second, of those that filters drop, of which a switch may tell."),
        cfg.IntOpt("router_rate", default=400, min=8, max=100_000,
                   help="Packets a second that a switch may hand over because its routers cannot forward them: those "
                        "that ICMP errors are sent about, and those whose next hop is to be asked for, each."),
        cfg.IntOpt("connection_pickup", default=60, min=0, max=3600,
                   help="Seconds after a restart of ovs-vswitchd in which TCP connections that it has forgotten are "
                        "let through filters; 0: not at all."),
        cfg.BoolOpt("adopt",
                    help="Adopt datapaths that no database lists as switches.  By default true over plain text "
                         "and false with TLS."),
        cfg.IntOpt("adopted_switches", default=ADOPTED, min=0,
                   help="Most switches adopted without a database; connections of more are refused."),
        cfg.FloatOpt("forget_after", default=3600.0, min=0.0,
                     help="Seconds without a connection after which a switch of which no database has told, and that "
                          "has no port, is forgotten; 0: never."),
    ],
    "ovsdb": [cfg.StrOpt("listen", default="127.0.0.1:6640", help="ADDRESS:PORT where hypervisors connect.")],
    "network": [
        cfg.IntOpt("underlay_mtu", default=1500, min=1280, max=65535,
                   help="MTU of the network between hypervisors; tenants get it less the encapsulation."),
        cfg.IntOpt("least_mtu", default=1280, min=68, max=65535,
                   help="Least MTU of networks in bytes, whatever hypervisors report."),
        cfg.IntOpt("underlay_ip_version", default=4, choices=[4, 6],
                   help="IP version of the hypervisors' tenant-encap-ip: IPv6 takes 20 bytes more of the MTU."),
        cfg.ListOpt("flat_networks", default=[],
                    help="Names of physical networks for networks of type flat; * for any."),
        cfg.ListOpt("network_vlan_ranges", default=[],
                    help="NAME or NAME:FIRST:LAST: physical networks for type vlan, with VLANs to draw from."),
        cfg.IntOpt("physical_network_mtu", default=1500, min=1280, max=65535, help="MTU of physical networks."),
        cfg.ListOpt("offered_interfaces", default=[],
                    help="Names of interfaces, as patterns (tap*), that tenants may attach through Quantum; others "
                         "they attach by the UUID that is their iface-id."),
        cfg.ListOpt("permitted_ethertypes", default=[],
                    help="Ethertypes beside ARP, IPv4 and IPv6 that ports with checked addresses may send, and ports "
                         "with security groups receive, as 0x0600 to 0xffff."),
        cfg.IntOpt("broadcast_rate", default=1000, min=0, max=100_000_000,
                   help="Frames a second that a port may send to many: broadcast, multicast, unknown unicast; 0: no "
                        "limit."),
    ],
    "fabric": [
        cfg.StrOpt("cost", default="hops", choices=list(COSTS),
                   help="Cost of a path over wires: their number, or by their speed."),
    ],
    "cluster": [
        cfg.StrOpt("member", help="Name of this member; by default host name and port of the REST API."),
        cfg.FloatOpt("lease", default=3.0, min=2.0, max=60.0,
                     help="Seconds of silence after which others take over a member's switches."),
        cfg.StrOpt("advertise", help="Address at which hypervisors reach this member, if it listens on all."),
        cfg.BoolOpt("accept_empty", default=False,
                    help="Program switches from a model that is empty, or less than half of theirs, too."),
    ],
    "security": [
        cfg.StrOpt("ca", help="PEM file: CA of the certificates of switches and databases."),
        cfg.StrOpt("certificate", help="PEM file: this controller's certificate and its chain."),
        cfg.StrOpt("private_key", help="PEM file: the key of the certificate."),
        cfg.BoolOpt("bind_certificates", default=True,
                    help="A database, and a switch of which it has told, need a certificate with its system-id as "
                         "common name or subject alternative name."),
        cfg.BoolOpt("allow_plaintext", default=False,
                    help="Allow listeners without TLS on addresses other than loopback."),
    ],
    "auth": [
        cfg.StrOpt("strategy", default="none", choices=["none", "tokens", "keystone"],
                   help="Authentication: none (every client is the operator), tokens, or Keystone."),
        cfg.BoolOpt("insecure", default=False,
                    help="Allow strategy none on addresses other than loopback: clients may do everything."),
        cfg.StrOpt("tokens", default="var/tokens", help="Strategy tokens: the file that `tenet token` writes."),
    ],
    "quotas": [
        cfg.IntOpt(name, min=-1, help=f"{DECLARED[KINDS[name]].plural} that a project may have, unless its own quota "
                                      f"says otherwise; -1: no limit.  By default {limit}, and no limit "
                                      f"where [auth] strategy = none.")
        for name, limit in QUOTAS.items()
    ],
    "services": services.OPTIONS,
    "metadata": metadata.OPTIONS,
    "external_dns": external_dns.OPTIONS,
    "hub": [
        cfg.FloatOpt("held_warning", default=0.25, min=0.0,
                     help="Seconds that one green thread may keep all others waiting before it is logged, with its "
                          "stack; 0: it never is."),
    ],
    "nova": [
        cfg.StrOpt("endpoint", help="URL of the Compute API, to be told when a port is up; what goes with [nova] "
                                    "auth_type says how to log in."),
    ],
}  # fmt: skip
# Sections with options of libraries, which check their options themselves.
LIBRARIES = {"keystone_authtoken", "oslo_policy", "nova"}
# Options of these sections that are secrets, so that the file must not be readable by others.
SECRETS = {"password", "memcache_secret_key", "application_credential_secret", "client_secret", "token"}


class Settings(NamedTuple):
    """Checked configuration of the process.  Addresses are (host, port)."""

    store_url: str
    northbound: tuple[str, int]
    quantum: bool
    openflow: tuple[str, int]
    ovsdb: tuple[str, int]
    audit_interval: float
    verify_interval: float
    echo_interval: float
    packet_in_rate: int
    drop_rate: int
    router_rate: int
    connection_pickup: int
    adopt: bool
    adopted_switches: int
    forget_after: float
    bind_certificates: bool
    broadcast_rate: int
    permitted_ethertypes: tuple[int, ...]
    offered_interfaces: tuple[str, ...]
    link_cost: str
    underlay_mtu: int
    least_mtu: int
    underlay_ip_version: int
    physical: PhysicalNetworks
    ca: str
    certificate: str
    private_key: str
    auth: str
    tokens: str
    quotas: dict[str, int]
    nova: str
    files: tuple[str, ...] = ()  # configuration files, for libraries that read their own sections
    member: str = ""
    lease: float = 3.0
    advertise: str = ""
    accept_empty: bool = False
    held_warning: float = 0.25
    hosts: tuple[str, ...] = ()  # in lower case
    connections_per_address: int = 1024
    services: services.ServiceSettings = services.ServiceSettings()
    external_dns: external_dns.ExternalDnsSettings | None = None

    @property
    def underlay_room(self) -> int:
        """MTU of the underlay in bytes, less 20 on IPv6, whose header is that much longer than that of IPv4."""
        return self.underlay_mtu - (20 if self.underlay_ip_version == 6 else 0)

    @property
    def tls(self) -> bool:
        return bool(self.certificate)


def read(arguments: list[str]) -> Settings:
    """Settings from `--config-file FILE` arguments.  Raises `Misconfigured`, with the reason in one line."""
    return _read(arguments, _checked)


def read_metadata(arguments: list[str]) -> metadata.MetadataSettings:
    """Those of the metadata server alone.  Raises `Misconfigured`."""
    return _read(arguments, metadata.read)


def _read(arguments: list[str], checked: Callable[[cfg.ConfigOpts], T]) -> T:
    conf = cfg.ConfigOpts()
    for section, options in OPTIONS.items():
        conf.register_opts(options, group=section)
    try:
        conf(arguments, project="tenet", default_config_files=[], default_config_dirs=[])
        _refuse_unknown(conf)
        return checked(conf)
    except (cfg.Error, ValueError) as error:
        raise Misconfigured(_without_location(" ".join(str(error).split()))) from error


def _without_location(said: str) -> str:
    """oslo.config's message, with the repr of the value's location replaced by its `detail`."""
    before, mark, rest = said.partition("LocationInfo(")
    _, _, detail = rest.partition("detail='")
    told, end, after = detail.partition("')")
    return f"{before}{told}{after}" if mark and end else said


def _refuse_unknown(conf: cfg.ConfigOpts) -> None:
    """Check of files for unknown sections and options, which oslo.config ignores, and of their permissions.

    Without it a misspelt option would go unnoticed.
    """
    for path in conf.config_file:
        check_trusted(path, "--config-file")
        sections: dict[str, dict[str, list[str]]] = {}
        cfg.ConfigParser(path, sections).parse()
        for section, given in sections.items():
            known = {option.dest for option in OPTIONS.get(section, [])}
            if section in LIBRARIES:
                if not SECRETS.isdisjoint(name.replace("-", "_") for name in given):
                    check_secret(path, "--config-file, with secrets of other services,")
                continue
            if section not in OPTIONS:
                raise Misconfigured(f"{path}: there is no section [{section}]")
            for name in given:
                if name.replace("-", "_") not in known:
                    raise Misconfigured(f"{path}: there is no option [{section}] {name}")


def _checked(conf: cfg.ConfigOpts) -> Settings:
    security = conf.security
    parts = [security.certificate, security.private_key]
    if any(parts) and not all(parts):
        raise Misconfigured("[security] certificate and private_key go together")
    if security.ca and not security.certificate:
        raise Misconfigured("[security] ca is of no use without certificate and private_key: there would be no TLS")
    for name in ("audit_interval", "verify_interval", "echo_interval", "forget_after"):
        if not math.isfinite(conf.openflow[name]):
            raise Misconfigured(f"[openflow] {name} = {conf.openflow[name]} is not a number of seconds")
    if security.certificate and not security.ca:
        raise Misconfigured("[security] ca is needed beside certificate: switches must show a certificate of it")
    settings = Settings(
        store_url=conf.store.url,
        northbound=address("northbound", conf.northbound.listen),
        quantum=conf.northbound.quantum,
        openflow=address("openflow", conf.openflow.listen),
        ovsdb=address("ovsdb", conf.ovsdb.listen),
        audit_interval=conf.openflow.audit_interval,
        verify_interval=conf.openflow.verify_interval,
        echo_interval=conf.openflow.echo_interval,
        packet_in_rate=conf.openflow.packet_in_rate,
        drop_rate=conf.openflow.drop_rate,
        router_rate=conf.openflow.router_rate,
        connection_pickup=conf.openflow.connection_pickup,
        adopt=not security.certificate if conf.openflow.adopt is None else conf.openflow.adopt,
        adopted_switches=conf.openflow.adopted_switches,
        forget_after=conf.openflow.forget_after,
        bind_certificates=security.bind_certificates,
        broadcast_rate=conf.network.broadcast_rate,
        permitted_ethertypes=tuple(map(_ethertype, conf.network.permitted_ethertypes)),
        offered_interfaces=tuple(conf.network.offered_interfaces),
        link_cost=conf.fabric.cost,
        underlay_mtu=conf.network.underlay_mtu,
        least_mtu=conf.network.least_mtu,
        underlay_ip_version=conf.network.underlay_ip_version,
        physical=configured(
            conf.network.flat_networks, conf.network.network_vlan_ranges, conf.network.physical_network_mtu
        ),
        ca=security.ca or "",
        certificate=security.certificate or "",
        private_key=security.private_key or "",
        auth=conf.auth.strategy,
        tokens=conf.auth.tokens,
        quotas=_quotas(conf),
        nova=conf.nova.endpoint or "",
        files=tuple(conf.config_file),
        member=_member(conf),
        lease=conf.cluster.lease,
        advertise=conf.cluster.advertise or "",
        accept_empty=conf.cluster.accept_empty,
        held_warning=conf.hub.held_warning,
        hosts=tuple(map(_host, conf.northbound.hosts)),
        connections_per_address=conf.northbound.connections_per_address,
        services=services.services(conf),
        external_dns=external_dns.external_dns(conf),
    )
    if settings.auth == "none" and not conf.auth.insecure and not _loopback(settings.northbound):
        raise Misconfigured(
            f"[northbound] listen = {settings.northbound[0]} is not loopback, and whoever reached it could do "
            "everything: set [auth] strategy = tokens or keystone, or [auth] insecure = true if that is meant"
        )
    if not settings.tls and not security.allow_plaintext:
        for section in ("northbound", "openflow", "ovsdb"):
            listen = getattr(settings, section)
            if not _loopback(listen):
                raise Misconfigured(
                    f"[{section}] listen = {listen[0]} is not loopback: set [security] ca, certificate and "
                    "private_key, or [security] allow_plaintext = true if plain text is meant"
                )
    return settings


def _loopback(listen: tuple[str, int]) -> bool:
    return ipaddress.ip_address(listen[0]).is_loopback


def _host(name: str) -> str:
    if not re.fullmatch(r"\*|[0-9A-Za-z_-]+(\.[0-9A-Za-z_-]+)*", name):
        raise Misconfigured(f"[northbound] hosts: {name!r} is not a host's name, such as tenet.example.net")
    return name.lower()


def _ethertype(said: str) -> int:
    if not re.fullmatch(r"0x[0-9A-Fa-f]{3,4}", said) or int(said, 16) < 0x0600:
        raise Misconfigured(f"[network] permitted_ethertypes: {said!r} is not an ethertype, such as 0x88cc")
    if int(said, 16) in _FILTERED:
        raise Misconfigured(f"[network] permitted_ethertypes: {said} is filtered by security groups' own rules")
    return int(said, 16)


def _quotas(conf: cfg.ConfigOpts) -> dict[str, int]:
    """Default quotas.  Without authentication everybody is the operator: only limits given explicitly count."""
    none = conf.auth.strategy == "none"
    said = {name: conf.quotas[name] for name in QUOTAS}
    return {name: limit if limit is not None else -1 if none else QUOTAS[name] for name, limit in said.items()}


def _member(conf: cfg.ConfigOpts) -> str:
    name: str = conf.cluster.member or ""
    if name and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", name):
        raise Misconfigured(f"[cluster] member = {name!r}: letters, digits, '.', '_' and '-', at most 63")
    if conf.cluster.advertise:
        ipaddress.ip_address(conf.cluster.advertise)
    if not math.isfinite(conf.cluster.lease):
        raise Misconfigured(f"[cluster] lease = {conf.cluster.lease} is not a number of seconds")
    return name


def address(section: str, text: str) -> tuple[str, int]:
    """Parse `ADDRESS:PORT`, with an IPv6 address in brackets, to (host, port)."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        colon = ""
    if not colon or not (port.isascii() and port.isdigit()) or not 0 <= int(port) <= 65535:
        raise Misconfigured(f"[{section}] listen = {text}: not of the form ADDRESS:PORT, such as 127.0.0.1:9696")
    return host, int(port)


def tls_context(settings: Settings, *, demand_certificate: bool) -> ssl.SSLContext | None:
    """TLS context for servers, 1.2 or later; None when TLS is not configured."""
    if not settings.tls:
        return None
    check_secret(settings.private_key, "[security] private_key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.certificate, settings.private_key)
        if demand_certificate:
            context.load_verify_locations(settings.ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except OSError as error:
        raise Misconfigured(f"[security] ca, certificate or private_key cannot be read: {error}") from error
    return context


def barred(settings: Settings) -> frozenset[bytes]:
    """Certificates that switches and databases may not present, in DER form: the controller's own."""
    return frozenset({own_certificate(settings.certificate)}) if settings.tls else frozenset()

"""Configuration of external DNS: section [external_dns]."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from oslo_config import cfg

from controller.runtime.errors import Misconfigured
from controller.runtime.files import check_secret

PORT = 53
OPTIONS: list[cfg.Opt] = [
    cfg.StrOpt("server", help="ADDRESS or ADDRESS:PORT of the primary DNS server, which takes updates (RFC 2136) over "
                              "TCP; without it nothing is published."),
    cfg.StrOpt("key_file", help="File with the TSIG key (RFC 8945), as tsig-keygen writes it."),
    cfg.ListOpt("zones", default=[],
                help="ZONE or ZONE:PROJECT[:PROJECT...]: zones on the server in which names are published, of these "
                     "projects or of all."),
    cfg.ListOpt("reverse_networks", default=[],
                help="Prefixes of addresses that PTR records are published for."),
    cfg.IntOpt("ipv4_ptr_zone_prefix_size", default=24, min=8, max=24,
               help="Prefix length of the reverse zones of IPv4, a multiple of 8."),
    cfg.IntOpt("ipv6_ptr_zone_prefix_size", default=120, min=4, max=124,
               help="Prefix length of the reverse zones of IPv6, a multiple of 4."),
    cfg.IntOpt("ttl", default=300, min=0, max=2**31 - 1, help="TTL of published records in seconds (RFC 2181, 8)."),
    cfg.FloatOpt("timeout", default=5.0, min=0.1, max=60.0, help="Seconds to wait for the server's answer."),
]  # fmt: skip
ALGORITHMS = ("hmac-sha256", "hmac-sha384", "hmac-sha512", "hmac-sha224", "hmac-sha1")  # RFC 8945, 6
_LABEL = "[0-9a-z_]([0-9a-z_-]{0,61}[0-9a-z_])?"
_ZONE = re.compile(rf"({_LABEL}\.)*{_LABEL}\.?")
_KEY = re.compile(r'\s*key\s+"?(?P<name>[^"\s{]+)"?\s*\{(?P<body>[^}]*)\}\s*;\s*')
_COMMENT = re.compile(r'(?P<quoted>"[^"\n]*")|(//|#)[^\n]*')  # // is also part of some secrets
_CLAUSE = re.compile(r'(algorithm|secret)\s+"?([^"\s;]+)"?\s*;')
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class TsigKey(NamedTuple):
    """`secret`: as base64."""

    name: str
    algorithm: str
    secret: str

    def __repr__(self) -> str:
        return f"TsigKey({self.name!r}, {self.algorithm!r})"  # never the secret


class Zone(NamedTuple):
    """`name` with its dot at the end.  `projects` whose names it takes; (): those of all."""

    name: str
    projects: tuple[str, ...] = ()


class ExternalDnsSettings(NamedTuple):
    """Checked options of [external_dns].  Times in seconds."""

    server: tuple[str, int]
    key: TsigKey
    zones: tuple[Zone, ...]
    reverse: tuple[Network, ...] = ()
    ipv4_prefix: int = 24
    ipv6_prefix: int = 120
    ttl: int = 300
    timeout: float = 5.0


def external_dns(conf: cfg.ConfigOpts) -> ExternalDnsSettings | None:
    """The options of [external_dns], None without a server.  Raises ValueError, Misconfigured."""
    said = conf.external_dns
    if not said.server:
        return None
    if not said.key_file:
        raise ValueError("[external_dns] key_file is needed beside server: updates are signed")
    if said.ipv4_ptr_zone_prefix_size % 8 or said.ipv6_ptr_zone_prefix_size % 4:
        raise ValueError("[external_dns] ipv4_ptr_zone_prefix_size must be a multiple of 8, "
                         "ipv6_ptr_zone_prefix_size of 4")  # fmt: skip
    check_secret(said.key_file, "[external_dns] key_file")
    return ExternalDnsSettings(
        _server(said.server), _key(said.key_file), tuple(_zones(said.zones)), tuple(_networks(said.reverse_networks)),
        said.ipv4_ptr_zone_prefix_size, said.ipv6_ptr_zone_prefix_size, said.ttl, said.timeout,
    )  # fmt: skip


def _server(text: str) -> tuple[str, int]:
    host, port = text, str(PORT)
    if text.count(":") == 1 or text.startswith("["):
        host, _, port = text.removeprefix("[").replace("]", "", 1).rpartition(":") if not text.endswith("]") else (
            text[1:-1], "", port)  # fmt: skip
    try:
        ipaddress.ip_address(host)
        number = int(port) if port.isascii() and port.isdecimal() else 0
    except ValueError:
        number = 0
    if not 0 < number < 65_536:
        raise ValueError(f"[external_dns] server = {text}: not of the form ADDRESS or ADDRESS:PORT, such as "
                         "192.0.2.53 or [2001:db8::53]:5353")  # fmt: skip
    return host, number


def _key(path: str) -> TsigKey:
    """The one key in a file of the form `key "NAME" { algorithm NAME; secret "BASE64"; };`."""
    try:
        text = _COMMENT.sub(lambda found: found["quoted"] or "", Path(path).read_text(encoding="ascii"))
    except (OSError, UnicodeError) as error:
        raise Misconfigured(f"[external_dns] key_file = {path}: {error}") from error
    found = _KEY.fullmatch(text)
    clauses = dict(_CLAUSE.findall(found["body"])) if found else {}
    if not found or clauses.keys() != {"algorithm", "secret"}:
        raise Misconfigured(f"[external_dns] key_file = {path}: does not have one key as tsig-keygen writes it")
    algorithm = clauses["algorithm"].lower().rstrip(".")
    if algorithm not in ALGORITHMS:
        raise Misconfigured(f"[external_dns] key_file = {path}: algorithm {algorithm} is none of "
                            f"{', '.join(ALGORITHMS)}")  # fmt: skip
    try:
        base64.b64decode(clauses["secret"], validate=True)
    except binascii.Error:
        raise Misconfigured(f"[external_dns] key_file = {path}: the secret is not base64") from None
    return TsigKey(found["name"].lower().rstrip(".") + ".", algorithm, clauses["secret"])


def _zones(texts: Iterable[str]) -> Iterable[Zone]:
    seen: set[str] = set()
    for text in texts:
        name, *projects = text.split(":")
        name = name.lower()
        if not _ZONE.fullmatch(name) or len(name) > 253:
            raise ValueError(f"[external_dns] zones: {text!r} is not of the form ZONE or ZONE:PROJECT")
        name = name.rstrip(".") + "."
        if name.endswith(".arpa."):
            raise ValueError(f"[external_dns] zones: {name} is a reverse zone: those follow from reverse_networks")
        if name in seen:
            raise ValueError(f"[external_dns] zones: {name} is there twice")
        seen.add(name)
        yield Zone(name, tuple(filter(None, projects)))


def _networks(texts: Iterable[str]) -> Iterable[Network]:
    for text in texts:
        try:
            yield ipaddress.ip_network(text)
        except ValueError as error:
            raise ValueError(f"[external_dns] reverse_networks: {error}") from None

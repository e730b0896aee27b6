"""URLs of etcd: `etcd://HOST:PORT[,HOST:PORT...]/PREFIX`, and with TLS `etcd+https://.../PREFIX?ca=FILE`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from controller.runtime.errors import Misconfigured

SCHEMES = {"etcd": False, "etcd+https": True}
_FILES = ("ca", "certificate", "private_key")
_ENDPOINT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
_PREFIX = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")


class Address(NamedTuple):
    """A parsed URL.  `endpoints`: (host, port) of each member of etcd.  `prefix`: of all our keys, such as `/tenet/`.

    The three files are PEM, "" when not given; they are used when `tls` is true.
    """

    endpoints: tuple[tuple[str, int], ...]
    prefix: str
    tls: bool = False
    ca: str = ""
    certificate: str = ""
    private_key: str = ""


def is_etcd(url: str) -> bool:
    return url.partition("://")[0] in SCHEMES


def parse(url: str) -> Address:
    """Parse a URL of etcd.  Raises Misconfigured, with the reason in one line."""
    try:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError as error:
        raise Misconfigured(f"[store] url: {error}") from error
    tls = SCHEMES[parts.scheme]
    prefix = parts.path.strip("/") or "tenet"
    if not _PREFIX.fullmatch(prefix) or parts.fragment:
        raise Misconfigured(f"[store] url: {parts.path!r} is not a prefix of keys, such as /tenet")
    _check_options(options, tls)
    endpoints = tuple(_endpoint(text) for text in parts.netloc.split(","))
    return Address(endpoints, f"/{prefix}/", tls, **options)


def _endpoint(text: str) -> tuple[str, int]:
    found = _ENDPOINT.fullmatch(text)
    if not found or not 0 < int(found["port"] or 2379) < 65536:
        raise Misconfigured(f"[store] url: {text!r} is not of the form HOST:PORT")
    return found["host"].strip("[]"), int(found["port"] or 2379)


def _check_options(options: dict[str, str], tls: bool) -> None:
    for name, file in options.items():
        if name not in _FILES:
            raise Misconfigured(f"[store] url: there is no option {name}, only {', '.join(_FILES)}")
        if not tls:
            raise Misconfigured(f"[store] url: {name} is for etcd+https:// only")
        if not Path(file).is_file():
            raise Misconfigured(f"[store] url: {name} = {file}: there is no such file")
    if ("certificate" in options) != ("private_key" in options):
        raise Misconfigured("[store] url: certificate and private_key go together")

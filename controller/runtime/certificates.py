"""Names in a peer's certificate, and certificates that no peer may show."""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from typing import Any

Names = frozenset[str] | None  # of a peer's certificate; None over plain text, where nobody proves a name

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def names_of(certificate: Any) -> frozenset[str]:
    """Common names and subject alternative names (DNS, URI, IP address) of `SSLSocket.getpeercert()`'s answer."""
    if not certificate:
        return frozenset()
    common = [value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"]
    others = [value for kind, value in certificate.get("subjectAltName", ()) if kind in ("DNS", "URI", "IP Address")]
    return frozenset(common + others)


def shown(names: frozenset[str]) -> str:
    """The names as one text for a log line, bounded."""
    return ", ".join(sorted(names))[:128] or "nobody"


def own_certificate(path: str) -> bytes:
    """The first certificate of a PEM file in DER form: a server's own, before those that it was signed by."""
    found = _PEM.search(Path(path).read_text(encoding="ascii", errors="replace"))
    return ssl.PEM_cert_to_DER_cert(found[0]) if found else b""

"""Domain names as packets carry them: labels with their lengths, never compressed (RFC 1035, 3.1)."""

from __future__ import annotations

from functools import lru_cache

_OF_HOSTS = frozenset(b"-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
MOST_LABEL, MOST_NAME = 63, 255  # bytes; a name's include the lengths and the root


@lru_cache(1 << 12)
def encoded(name: str) -> bytes:
    """A fully qualified name, with or without the dot at its end.  Raises ValueError for what is no name."""
    labels = name.removesuffix(".").split(".")
    found = bytearray()
    for label in labels:
        octets = label.encode("ascii") if label.isascii() else label.encode("idna")
        if not 0 < len(octets) <= MOST_LABEL:
            raise ValueError(f"{name[:64]!r} has a label of {len(octets)} bytes")
        found += bytes((len(octets),)) + octets
    if len(found) >= MOST_NAME:
        raise ValueError(f"{name[:64]!r} has more than {MOST_NAME} bytes")
    return bytes(found) + b"\0"


def decoded(data: bytes) -> str | None:
    """The first name in `data`, without a dot at its end, of a name that may lack its root (RFC 4704, 4.2: partial).

    None where it is malformed, or has bytes that no host's name has.
    """
    labels: list[str] = []
    at = 0
    while at < min(len(data), MOST_NAME) and data[at]:
        size = data[at]
        label = data[at + 1 : at + 1 + size]
        if size > MOST_LABEL or len(label) != size or not _OF_HOSTS.issuperset(label):
            return None
        labels.append(label.decode("ascii"))
        at += 1 + size
    return ".".join(labels) if at < MOST_NAME else None

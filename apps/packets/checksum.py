"""Internet checksum (RFC 1071)."""

from __future__ import annotations

from struct import pack


def checksum(data: bytes) -> int:
    """The ones' complement of the ones' complement sum of 16-bit words; 0 over data that holds its own checksum."""
    if len(data) % 2:
        data += b"\0"
    total = int.from_bytes(data, "big") % 0xFFFF  # the sum of all words, with the carries added again
    return 0xFFFF - (total or (0xFFFF if any(data) else 0))


def with_checksum(data: bytes, at: int, before: bytes = b"") -> bytes:
    """`data` with its checksum, taken over `before` too (a pseudo header), in the two bytes at `at`, which are 0."""
    return data[:at] + pack("!H", checksum(before + data)) + data[at + 2 :]


def pseudo_header(source: bytes, target: bytes, length: int, protocol: int) -> bytes:
    """Of IPv6 (RFC 8200, 8.1)."""
    return source + target + pack("!IxxxB", length, protocol)

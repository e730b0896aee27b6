"""Random numbers and UUIDs (RFC 9562, 5.4) of the operating system's randomness, which is read in pieces.

A call of the system for each takes longer than all else that is done with the number.  For one OS thread, and for
processes that do not fork: what was read is used once.
"""

from __future__ import annotations

from os import urandom

PIECE = 4096  # bytes

_VERSION_AND_VARIANT = 0xF << 76 | 0x3 << 62
_RANDOM = (1 << 128) - 1 ^ _VERSION_AND_VARIANT
_VERSION_4 = 0x4 << 76 | 0x2 << 62


class _Pool:
    __slots__ = ("_at", "_octets")

    def __init__(self) -> None:
        self._octets = b""
        self._at = 0

    def number(self, count: int) -> int:
        """Of so many random bytes, at most PIECE."""
        at = self._at
        if at + count > len(self._octets):
            self._octets, at = urandom(PIECE), 0
        self._at = at + count
        return int.from_bytes(self._octets[at : at + count], "big")


_pool = _Pool()


def below(end: int) -> int:
    """A random number from 0..end-1.  Raises ValueError where there is none."""
    if end < 1:
        raise ValueError(f"no number is below {end}")
    bits = end.bit_length()
    octets = (bits + 7) // 8
    while True:
        number = _pool.number(octets) >> (8 * octets - bits)
        if number < end:
            return number


def new_uuid() -> str:
    """A fresh one, as text."""
    digits = f"{_pool.number(16) & _RANDOM | _VERSION_4:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

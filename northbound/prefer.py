"""Prefer header (RFC 7240): `wait=N` asks to answer when what was written is in force."""

from __future__ import annotations

import re

MAX_WAIT = 60  # seconds
_WAIT = re.compile(r'\s*wait\s*=\s*(?:"(\d{1,9})"|(\d{1,9}))\s*(?:;.*)?', re.IGNORECASE)


def wait(header: str | None) -> int | None:
    """The N of `wait=N` in seconds, at most MAX_WAIT; None when none can be read (RFC 7240, 2: it is ignored then)."""
    if not header:
        return None
    for preference in header.split(","):
        found = _WAIT.fullmatch(preference)
        if found:
            return min(int(found[1] or found[2]), MAX_WAIT)
    return None


def applied(seconds: int) -> tuple[tuple[str, str], ...]:
    return (("Preference-Applied", f"wait={seconds}"),)

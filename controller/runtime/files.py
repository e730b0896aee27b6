"""Modes of files that hold secrets, or that decide who may do what: refused where others could read or write them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from controller.runtime.errors import Misconfigured


def check_secret(path: str | Path, option: str) -> None:
    """Permission check of a secret file: closed to others, at most readable by its group.  Raises Misconfigured.

    A missing or inaccessible file passes; reading it will fail.
    """
    _check(path, option, stat.S_IWGRP | stat.S_IRWXO, "chmod g-w,o=")


def check_trusted(path: str | Path, option: str) -> None:
    """Permission check of a trusted file: not writable by others.  Raises Misconfigured."""
    _check(path, option, stat.S_IWOTH, "chmod o-w")


def _check(path: str | Path, option: str, forbidden: int, remedy: str) -> None:
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return
    if mode & forbidden and stat.S_ISREG(mode):
        what = "write" if mode & forbidden & (stat.S_IWGRP | stat.S_IWOTH) else "read"
        raise Misconfigured(f"{option} = {path}: others may {what} it (mode {stat.S_IMODE(mode):04o}): {remedy} {path}")

"""Modes of files that hold secrets, or that decide who may do what: refused where others could read or write them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from controller.runtime.errors import Misconfigured


def check_secret(path: str | Path, option: str) -> None:
    """Of a file that others may neither read nor write, and that its group may read.  Raises Misconfigured.

    A file that is not there, or cannot be looked at, is left to whoever reads it.
    """
    _check(path, option, stat.S_IWGRP | stat.S_IRWXO, "chmod g-w,o=")


def check_trusted(path: str | Path, option: str) -> None:
    """Of a file that others may read, but not write.  Raises Misconfigured."""
    _check(path, option, stat.S_IWOTH, "chmod o-w")


def _check(path: str | Path, option: str, forbidden: int, remedy: str) -> None:
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return
    if mode & forbidden and stat.S_ISREG(mode):
        what = "write" if mode & forbidden & (stat.S_IWGRP | stat.S_IWOTH) else "read"
        raise Misconfigured(f"{option} = {path}: others may {what} it (mode {stat.S_IMODE(mode):04o}): {remedy} {path}")

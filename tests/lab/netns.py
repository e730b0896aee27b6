"""Sockets and commands in a network namespace, without leaving our own.

A socket belongs for ever to the namespace of the thread that made it: so a thread that lives for that one call enters
the namespace, makes the socket and ends, and the test uses the socket like any other.
"""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import Sequence

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


class CommandFailed(Exception):
    """A command of the lab ended with an error; the message has the command and what it wrote."""


def run(argv: Sequence[str], *, input: str | None = None, timeout: float = 30.0) -> str:
    """Run a command to its end and return what it wrote; raises `CommandFailed` with both outputs."""
    ended = subprocess.run(
        argv,
        input=input,
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=None if input is not None else subprocess.DEVNULL,
    )
    if ended.returncode:
        raise CommandFailed(
            f"{' '.join(argv)}: status {ended.returncode}: {ended.stderr.strip() or ended.stdout.strip()}"
        )
    return ended.stdout


def ip(lines: Sequence[str], namespace: str = "") -> None:
    """Run `ip` commands as one batch, in a namespace if one is named; raises `CommandFailed` at the first wrong."""
    where = ["-n", namespace] if namespace else []
    run(["ip", *where, "-batch", "-"], input="\n".join(lines) + "\n")


def inside(namespace: str, argv: Sequence[str]) -> list[str]:
    """The command that runs `argv` in a namespace."""
    return ["ip", "netns", "exec", namespace, *argv]


def socket_in(namespace: str, family: int, kind: int, protocol: int = 0) -> socket.socket:
    """A new socket that lives in a namespace, given by its name or path; raises OSError when there is no such one."""
    made: list[socket.socket] = []
    failed: list[OSError] = []

    def make() -> None:
        try:
            handle = os.open(os.path.join("/run/netns", namespace), os.O_RDONLY | os.O_CLOEXEC)
            try:
                if _libc.setns(handle, CLONE_NEWNET):
                    number = ctypes.get_errno()
                    raise OSError(number, os.strerror(number))
            finally:
                os.close(handle)
            made.append(socket.socket(family, kind, protocol))
        except OSError as error:
            failed.append(error)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return made[0]

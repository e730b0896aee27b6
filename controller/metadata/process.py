"""Process of a metadata server: one that is root and makes the interface, and one without rights that serves.

The second dies with the first, and the interface with the second.
"""

from __future__ import annotations

import ctypes
import encodings.idna  # noqa: F401  # which the resolver imports at its first use
import logging
import os
import pwd
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from apps.services.identity import Asker
from controller.config.metadata import MetadataSettings
from controller.runtime import hub
from controller.runtime.errors import Misconfigured
from controller.runtime.files import check_secret

from .controllers import Controllers
from .embedded import Embedded, Instances
from .interface import ServerInterface
from .nova import NovaMetadata
from .request import InstanceRequest
from .resolving import PATIENCE as NAMES_PATIENCE
from .resolving import Resolving
from .server import InstanceServer, Reply

log = logging.getLogger("tenet.metadata")
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_libc = ctypes.CDLL(None, use_errno=True)
_ENDING = (signal.SIGTERM, signal.SIGINT)


def run(settings: MetadataSettings, interface: ServerInterface) -> int:
    """Serve until SIGTERM or SIGINT; the exit status.  Raises Misconfigured, Unavailable before that."""
    server = _server(settings)
    user = _user(settings.user)
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)  # until each process waits for them
    listeners = interface.create()
    try:
        child = os.fork()
        if not child:
            _serve(server, listeners, user)
        for each in listeners:
            each.close()
        log.info("metadata server at interface %s of %s", interface.name, interface.bridge)
        return _wait(child)
    finally:
        interface.remove()


def _server(settings: MetadataSettings) -> InstanceServer:
    token = _secret(settings.token_file, "[metadata] token_file")
    asked = settings.controllers, token.decode(), _trust(settings.ca, "[metadata] ca")
    instances = Instances(Controllers(*asked))
    names = Resolving(Controllers(*asked, patience=NAMES_PATIENCE))  # names that nobody answers delay no metadata
    answer: Callable[[InstanceRequest, Asker, str], Reply]
    if settings.nova_url:
        secret = _secret(settings.nova_secret_file, "[metadata] nova_secret_file")
        if not secret:
            raise Misconfigured("[metadata] nova_url needs nova_secret_file: Nova takes signed requests only")
        trust = _trust(settings.nova_ca, "[metadata] nova_ca")
        answer = NovaMetadata(instances, settings.nova_url, secret, trust).answer
    else:
        answer = Embedded(instances).answer
    return InstanceServer(answer, names.answer)


def _secret(path: str, option: str) -> bytes:
    """Contents of a file that nobody else may read, without the end of its line; b"" where none is named."""
    if not path:
        return b""
    check_secret(path, option)
    try:
        found = Path(path).read_bytes().strip()
    except OSError as error:
        raise Misconfigured(f"{option} = {path}: {error.strerror or error}") from error
    if not found:
        raise Misconfigured(f"{option} = {path} is empty")
    return found


def _trust(ca: str, option: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca or None)
    except OSError as error:
        raise Misconfigured(f"{option} = {ca}: {error.strerror or error}") from error


def _user(name: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        raise Misconfigured(f"[metadata] user = {name}: there is no such user") from None


# --- the one that serves ---


def _serve(server: InstanceServer, listeners: Sequence[socket.socket], user: pwd.struct_passwd) -> None:
    """Never returns."""
    status = 1
    try:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        hub.patch()
        hub.loop()  # what it imports may be closed to the other user
        if os.getuid() == 0:
            os.setgroups([])
            os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
            os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # a change of the user has taken it back
        _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        server.serve([socket.socket(each.family, each.type, fileno=each.detach()) for each in listeners])
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
        hub.wait_for_signal(_ENDING)
        status = 0
    except BaseException:
        log.critical("the metadata server failed", exc_info=True)
    finally:
        sys.stderr.flush()
        os._exit(status)


# --- the one that is root ---


def _wait(child: int) -> int:
    """Wait for the end of the other process, or for a signal to end both; the exit status."""
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGCHLD,))
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            log.critical("the metadata server has ended by itself (status %d)", os.waitstatus_to_exitcode(status))
            return 1
        if signal.sigwait((*_ENDING, signal.SIGCHLD)) in _ENDING:
            os.kill(child, signal.SIGTERM)
            _, status = os.waitpid(child, 0)
            return os.waitstatus_to_exitcode(status)

"""Keystone (`[auth] strategy = keystone`): keystonemiddleware validates the token, caches that, and says who it is.

Its options are its own, in [keystone_authtoken].  It is called as a function of a request rather than put in front of
the application, so that its refusals have the form, the request id and the record of every other answer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import webob.exc
from keystoneauth1.exceptions import ClientException
from keystonemiddleware.auth_token import AuthProtocol, list_opts
from oslo_config import cfg
from webob import Request

from controller.runtime.errors import Misconfigured

from ..auth import Caller
from ..errors import HttpError
from .remembered import Remembered

PATIENCE = 10  # seconds for an answer of Keystone, unless [keystone_authtoken] http_connect_timeout says otherwise
AGAIN = 30.0  # seconds at most until who reads a stream is asked for anew, which is a look into the cache
CACHE = "tenet.tokens"  # where the middleware looks for its cache in a request, unless there is memcached
log = logging.getLogger("tenet.identity")


class Keystone:
    def __init__(self, config_files: Sequence[str], is_operator: Callable[[Caller], bool]) -> None:
        """Raises Misconfigured.  Keystone itself need not be there yet."""
        self._is_operator = is_operator
        conf = cfg.ConfigOpts()
        conf(
            [part for path in config_files for part in ("--config-file", path)],
            project="tenet",
            default_config_files=[],
            default_config_dirs=[],
        )
        for group, options in list_opts():
            conf.register_opts(options, group=group)
        conf.set_default("http_connect_timeout", PATIENCE, group="keystone_authtoken")
        cached = conf.keystone_authtoken.token_cache_time
        self.again = min(AGAIN, float(cached)) if cached > 0 else AGAIN
        self._remembered = {} if conf.keystone_authtoken.memcached_servers else {CACHE: Remembered()}
        if self._remembered:
            conf.set_default("cache", CACHE, group="keystone_authtoken")
        try:
            # its only word for a caller's own ConfigOpts; WSGI's name for an application that is never called is None
            self._protocol: Any = AuthProtocol(None, {"oslo_config_config": conf})
            if self._protocol._auth is None:
                raise Misconfigured("[keystone_authtoken] auth_type is needed, and what goes with it")
            public = conf.keystone_authtoken.www_authenticate_uri
            self._where = (("WWW-Authenticate", f'Keystone uri="{public}"'),) if public else ()
        except (cfg.Error, ClientException) as error:
            raise Misconfigured(f"[keystone_authtoken] {' '.join(str(error).split())}") from error

    def who(self, request: Request) -> Caller:
        if not request.environ.get("HTTP_X_AUTH_TOKEN"):
            raise _unknown(self._where)  # the middleware would ask Keystone where Keystone is
        request.environ.update(self._remembered)
        asked = _AuthTokenRequest(request.environ)
        try:
            self._protocol.process_request(asked)
        except webob.exc.HTTPException as error:
            raise _refused(error) from None
        except ClientException as error:
            log.error("Keystone cannot be asked: %s", error)
            raise HttpError(503, "ServiceUnavailable", "The Keystone service is temporarily unavailable.") from None
        caller = Caller(
            project_id=_said(request, "HTTP_X_PROJECT_ID"),
            operator=False,
            user_id=_said(request, "HTTP_X_USER_ID"),
            roles=frozenset(role for role in _said(request, "HTTP_X_ROLES").split(",") if role),
            system_scope=_said(request, "HTTP_OPENSTACK_SYSTEM_SCOPE"),
            user=_said(request, "HTTP_X_USER_NAME"),
            project=_said(request, "HTTP_X_PROJECT_NAME"),
        )
        return caller._replace(operator=self._is_operator(caller))


_AuthTokenRequest: Any = AuthProtocol.__call__.RequestClass  # the request that process_request expects


def _refused(error: webob.exc.HTTPException) -> HttpError:
    if error.status_int == 401:
        headers = tuple((name, value) for name, value in error.headers.items() if name == "WWW-Authenticate")
        return _unknown(headers)
    return HttpError(503, "ServiceUnavailable", "The Keystone service is temporarily unavailable.")


def _said(request: Request, name: str) -> str:
    """What the middleware has written into the request; None where a token has no such thing."""
    return request.environ.get(name) or ""


def _unknown(headers: tuple[tuple[str, str], ...]) -> HttpError:
    return HttpError(401, "Unauthorized", "The request you have made requires authentication.", headers)

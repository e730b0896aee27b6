"""Reader of a stream: whether its identity still holds, and may read what it could when the stream began."""

from __future__ import annotations

import time
from collections.abc import Callable

from webob import Request

from .auth import Caller, Identity
from .checks import Fault
from .errors import HttpError


class StreamReader:
    """Who reads a stream: asked again every `identity.again` seconds, by the token with which it began."""

    def __init__(
        self, identity: Identity, request: Request, caller: Caller, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._identity = identity
        self._request = request
        self._caller = caller
        self._clock = clock
        self._asked = clock()

    def is_known(self) -> bool:
        """Whether it is who it was, with the same roles; not where that cannot be found out now."""
        if self._clock() - self._asked < self._identity.again:
            return True
        self._asked = self._clock()
        try:
            return self._identity.who(self._request) == self._caller
        except (HttpError, Fault):
            return False

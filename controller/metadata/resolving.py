"""DNS over TCP for instances: questions are passed on to the controllers, which answer them as those over UDP."""

from __future__ import annotations

from apps.services.identity import Asker
from controller.runtime.errors import Unavailable

from .controllers import Controllers

PATIENCE = 10.0  # seconds for an answer: longer than a controller waits for upstream resolvers (services/upstream.py)


class Resolving:
    def __init__(self, controllers: Controllers) -> None:
        self._controllers = controllers

    def answer(self, question: bytes, asker: Asker) -> bytes | None:
        """The answer to a DNS message; None where there is none.  Raises Unavailable."""
        status, body = self._controllers.post(f"/tenet/v1/dns/{asker.number}/{asker.key}", question)
        if status in (400, 404):
            return None
        if status != 200:
            raise Unavailable(f"the controller answered a question with status {status}")
        return body or None

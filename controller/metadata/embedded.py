"""Metadata that Tenet has itself: what the port and its network say, in the layouts that cloud-init reads."""

from __future__ import annotations

from typing import Protocol

import msgspec

from apps.services.identity import Asker
from controller.runtime.errors import Unavailable
from controller.services.instance import Instance

from .controllers import Controllers
from .layouts import document
from .request import InstanceRequest
from .server import Reply


class Instances:
    """The instances behind logical ports, asked of the controllers each time."""

    def __init__(self, controllers: Controllers) -> None:
        self._controllers = controllers

    def of(self, asker: Asker) -> Instance | None:
        """None: no port has this logical port.  Raises Unavailable."""
        status, body = self._controllers.get(f"/tenet/v1/metadata/{asker.number}/{asker.key}")
        if status == 404:
            return None
        if status != 200:
            raise Unavailable(f"the controller answered with status {status}; has the token the role service?")
        try:
            return msgspec.json.decode(body, type=_Answer).instance
        except msgspec.DecodeError as error:
            raise Unavailable(f"the controller's answer is not understood: {error}") from error


class InstanceDirectory(Protocol):
    """Who is behind a logical port."""

    def of(self, asker: Asker) -> Instance | None:
        """Raises Unavailable."""
        ...


class _Answer(msgspec.Struct):
    instance: Instance


class Embedded:
    """Answers from the model alone."""

    def __init__(self, instances: InstanceDirectory) -> None:
        self._instances = instances

    def answer(self, request: InstanceRequest, asker: Asker, address: str) -> Reply:
        if request.method not in ("GET", "HEAD"):
            return Reply(405)
        instance = self._instances.of(asker)
        if instance is None:
            return Reply(404)
        found = document(instance, request.path)
        if found is None:
            return Reply(404, port_id=instance.port_id)
        return Reply(200, found.body, found.content_type, instance.port_id)

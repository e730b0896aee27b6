"""Nova's metadata API: requests of instances, passed on with who asks and a signature that Nova checks.

https://docs.openstack.org/nova/latest/admin/metadata-service.html: X-Instance-ID, X-Tenant-ID, X-Forwarded-For, and
X-Instance-ID-Signature, the HMAC-SHA256 (RFC 2104) of the instance id under a secret that both know.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import re
import ssl
from urllib.parse import unquote

from apps.services.identity import Asker, own_address
from controller.runtime import hub
from controller.runtime.errors import Misconfigured, Unavailable

from .embedded import InstanceDirectory
from .http_peer import HttpPeer
from .request import InstanceRequest
from .server import Reply

PATIENCE = 30.0  # seconds for an answer: Nova may have to ask its cells
AT_ONCE = 64  # requests under way
MOST_ANSWER = 1 << 20  # bytes
# Of what an instance sends nothing but these goes on: it cannot say who it is, or by whom it is sent on.
PASSED = ("accept", "content-type", "user-agent", "x-metadata-token")
METHODS = ("GET", "HEAD", "POST")  # POST: the encrypted password of a Windows instance


class NovaMetadata:
    """`url` of Nova's metadata API; `secret`: its [neutron] metadata_proxy_shared_secret."""

    def __init__(self, instances: InstanceDirectory, url: str, secret: bytes, tls: ssl.SSLContext | None) -> None:
        try:
            self._peer = HttpPeer(url, tls)
        except ValueError as error:
            raise Misconfigured(f"[metadata] nova_url: {error}, such as http://192.0.2.10:8775") from error
        self._instances = instances
        self._secret = secret
        self._room = hub.Semaphore(AT_ONCE)

    def answer(self, request: InstanceRequest, asker: Asker, address: str) -> Reply:
        """Raises Unavailable when Nova does not answer."""
        if request.method not in METHODS:
            return Reply(405)
        if not _is_below(request.path):
            return Reply(400)
        instance = self._instances.of(asker)
        if instance is None or not instance.device_id:
            return Reply(404)
        headers = {name.title(): request.fields[name] for name in PASSED if name in request.fields}
        headers |= identified(instance.device_id, instance.project_id, own_address(address), self._secret)
        with self._room:
            status, body, content_type = self._passed_on(request, headers)
        if status in (401, 403):  # the signature is wrong: the instance is not told why
            raise Unavailable(f"Nova refuses the signature (status {status}): are the shared secrets the same?")
        return Reply(status, body, content_type, instance.port_id)

    def _passed_on(self, request: InstanceRequest, headers: dict[str, str]) -> tuple[int, bytes, str]:
        connection = self._peer.connection(PATIENCE)
        try:
            connection.request(request.method, self._peer.path + request.target, request.body or None, headers)
            answer = connection.getresponse()
            body = answer.read(MOST_ANSWER + 1)
            content_type = answer.headers.get("Content-Type", "text/plain")
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"no answer from Nova: {error}") from error
        finally:
            connection.close()
        if len(body) > MOST_ANSWER:
            raise Unavailable(f"Nova's answer has more than {MOST_ANSWER} bytes")
        return answer.status, body, content_type


def _is_below(path: str) -> bool:
    """Whether a path stays below where it begins.  A proxy before Nova may have other services beside its prefix."""
    while (plainer := unquote(path)) != path:  # a proxy may decode it once more
        path = plainer
    return path.startswith("/") and {".", ".."}.isdisjoint(re.split(r"[/\\]", path))


def identified(instance_id: str, project_id: str, address: str, secret: bytes) -> dict[str, str]:
    """The header fields that say who asks."""
    return {
        "X-Instance-ID": instance_id,
        "X-Tenant-ID": project_id,
        "X-Forwarded-For": address,
        "X-Instance-ID-Signature": hmac.new(secret, instance_id.encode(), hashlib.sha256).hexdigest(),
    }

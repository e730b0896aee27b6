"""A server that takes requests as Nova's metadata API does: it believes who asks if the signature is right.

`python -m tests.metadata.nova_api SECRET`: prints its port; answers with the header fields that it got, as JSON.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class MetadataApi(BaseHTTPRequestHandler):
    secret = b""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        """The checks of nova.api.metadata.handler: one instance id, one tenant id, and the signature of the first."""
        fields = {name: self.headers.get_all(name, []) for name in ("X-Instance-ID", "X-Tenant-ID", "X-Forwarded-For")}
        said = self.headers.get_all("X-Instance-ID-Signature", [])
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if any(len(values) != 1 for values in (*fields.values(), said)):
            return self._say(400, {"said": "a header field is missing, or there twice"})
        wanted = hmac.new(self.secret, fields["X-Instance-ID"][0].encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(wanted, said[0]):
            return self._say(403, {"said": "the signature is wrong"})
        status = 404 if self.path.endswith("/missing") else 200
        return self._say(status, {"path": self.path, "method": self.command, "body": body.decode(),
                                  "fields": [list(each) for each in self.headers.items()]})  # fmt: skip

    def _say(self, status: int, what: object) -> None:
        data = json.dumps(what).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


if __name__ == "__main__":
    MetadataApi.secret = sys.argv[1].encode()
    with ThreadingHTTPServer(("127.0.0.1", 0), MetadataApi) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()

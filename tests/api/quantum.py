"""Calls of Quantum v1.1 as one tenant, in JSON."""

from __future__ import annotations

from .conftest import Api, Reply


class Tenant:
    def __init__(self, api: Api, name: str = "red") -> None:
        self.api = api
        self.path = f"/v1.1/tenants/{name}"

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        return self.api.call(method, f"{self.path}/{path}", body, **headers)

    def network(self, name: str = "net") -> str:
        """Path of a new network."""
        reply = self.call("POST", "networks", {"network": {"name": name}})
        assert reply.status == 202, reply.body
        return f"networks/{reply.json['network']['id']}"

    def port(self, network: str, **body: object) -> str:
        """Path of a new port."""
        reply = self.call("POST", f"{network}/ports", body or None)
        assert reply.status == 202, reply.body
        return f"{network}/ports/{reply.json['port']['id']}"


def last(path: str) -> str:
    """The id at the end of a path."""
    return path.rpartition("/")[2]

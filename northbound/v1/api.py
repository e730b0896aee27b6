"""Calls of the Quantum API, for v1.0 and v1.1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from webob import Request

from controller.intent import networks, quantum
from controller.intent.networks import NetworkRequest
from controller.model.rows import Network, Port
from controller.runtime import hub
from controller.runtime.errors import Invalid
from controller.store.transaction import Transaction

from .. import checks
from ..answer import SLICE, Response
from ..ask import Ask, Handler
from ..checks import Check, Fault
from ..errors import Problem, bad_request, not_found
from ..routes import RouteTable
from . import filters, formats, views
from .dialect import Dialect


class Speech:
    """Quantum API in one version: its routes and its form of errors."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    def path(self, path: str) -> str:
        """Path without the suffix of the format (.json, .xml)."""
        return formats.split(path)[0]

    def error(self, request: Request, path: str, found: Problem) -> Response:
        media = formats.wanted(request, formats.split(path)[1])
        return formats.error(self.dialect, media, found)

    def add(self, routes: RouteTable) -> None:
        version = self.dialect.version
        tenant = f"{version}/tenants/*"
        network, port = f"{tenant}/networks/*", f"{tenant}/networks/*/ports/*"
        routes.add(version, {"GET": self.version})
        routes.add(f"{version}/extensions", {"GET": self.extensions})
        every: dict[str, dict[str, tuple[str, Handler]]] = {
            f"{tenant}/networks": {
                "GET": ("get_network", self.list_networks),
                "POST": ("create_network", self.create_network),
            },
            f"{tenant}/networks/detail": {"GET": ("get_network", self.list_networks_detail)},
            network: {
                "GET": ("get_network", self.show_network),
                "PUT": ("update_network", self.update_network),
                "DELETE": ("delete_network", self.delete_network),
            },
            f"{network}/detail": {"GET": ("get_network", self.show_network_detail)},
            f"{network}/ports": {
                "GET": ("get_port", self.list_ports),
                "POST": ("create_port", self.create_port),
            },
            f"{network}/ports/detail": {"GET": ("get_port", self.list_ports_detail)},
            port: {
                "GET": ("get_port", self.show_port),
                "PUT": ("update_port", self.update_port),
                "DELETE": ("delete_port", self.delete_port),
            },
            f"{port}/detail": {"GET": ("get_port", self.show_port_detail)},
            f"{port}/attachment": {
                "GET": ("get_port", self.show_attachment),
                "PUT": ("plug_interface", self.plug),
                "DELETE": ("plug_interface", self.unplug),
            },
        }
        for path, calls in every.items():
            routes.add(path, {method: _as_tenant(*call) for method, call in calls.items()})

    # --- the API itself ---

    def version(self, ask: Ask) -> Response:
        name = self.dialect.version
        links = [{"rel": "self", "href": f"{ask.request.host_url}/{name}/"}]
        return self._say(ask, 200, {"version": {"id": name, "status": "SUPPORTED", "links": links}})

    def extensions(self, ask: Ask) -> Response:
        """List of extensions, always empty."""
        return self._say(ask, 200, {"extensions": []})

    # --- networks ---

    def list_networks(self, ask: Ask, tenant: str) -> Response:
        return self._say(ask, 200, {"networks": [{"id": found.id} for found in self._networks(ask, tenant)]})

    def list_networks_detail(self, ask: Ask, tenant: str) -> Response:
        every = hub.taking_turns(self._networks(ask, tenant), SLICE)
        shown = [views.network(self.dialect, found) for found in every]
        return self._say(ask, 200, {"networks": shown})

    def show_network(self, ask: Ask, tenant: str, network_id: str) -> Response:
        found = self._network(ask, tenant, network_id)
        return self._say(ask, 200, {"network": views.network(self.dialect, found)})

    def show_network_detail(self, ask: Ask, tenant: str, network_id: str) -> Response:
        found = self._network(ask, tenant, network_id)
        return self._say(ask, 200, {"network": views.network_with_ports(self.dialect, ask.view, found)})

    def create_network(self, ask: Ask, tenant: str) -> Response:
        project = _tenant(ask, tenant)
        request = NetworkRequest(name=self._parameter(ask, "network", "name", checks.text))
        row, revision = ask.transact(lambda tx: networks.create(tx, project, request, ask.means))
        return self._say(ask, self.dialect.created, {"network": {"id": row.row_id}}, revision)

    def update_network(self, ask: Ask, tenant: str, network_id: str) -> Response:
        self._network(ask, tenant, network_id)
        name = self._parameter(ask, "network", "name", checks.text)
        return _done(ask, lambda tx: quantum.rename_network(tx, tenant, network_id, name))

    def delete_network(self, ask: Ask, tenant: str, network_id: str) -> Response:
        self._network(ask, tenant, network_id)
        return _done(ask, lambda tx: quantum.delete_network(tx, tenant, network_id, ask.means))

    # --- ports ---

    def list_ports(self, ask: Ask, tenant: str, network_id: str) -> Response:
        return self._say(ask, 200, {"ports": [{"id": found.id} for found in self._ports(ask, tenant, network_id)]})

    def list_ports_detail(self, ask: Ask, tenant: str, network_id: str) -> Response:
        every = hub.taking_turns(self._ports(ask, tenant, network_id), SLICE)
        shown = [views.port(self.dialect, ask.view, found) for found in every]
        return self._say(ask, 200, {"ports": shown})

    def show_port(self, ask: Ask, tenant: str, network_id: str, port_id: str) -> Response:
        found = self._port(ask, tenant, network_id, port_id)
        return self._say(ask, 200, {"port": views.port(self.dialect, ask.view, found)})

    def show_port_detail(self, ask: Ask, tenant: str, network_id: str, port_id: str) -> Response:
        found = self._port(ask, tenant, network_id, port_id)
        return self._say(ask, 200, {"port": views.plugged_port(self.dialect, ask.view, found)})

    def create_port(self, ask: Ask, tenant: str, network_id: str) -> Response:
        self._network(ask, tenant, network_id)
        up = self._parameter(ask, "port", "state", _state, default="DOWN")
        row, revision = ask.transact(lambda tx: quantum.create_port(tx, tenant, network_id, up, ask.means))
        headers = ask.wait(revision, [row.id])
        return self._say(ask, self.dialect.created, {"port": {"id": row.id}}, revision)._replace(headers=headers)

    def update_port(self, ask: Ask, tenant: str, network_id: str, port_id: str) -> Response:
        self._port(ask, tenant, network_id, port_id)
        up = self._parameter(ask, "port", "state", _state)
        return _done(ask, lambda tx: quantum.set_state(tx, tenant, network_id, port_id, up), port_id)

    def delete_port(self, ask: Ask, tenant: str, network_id: str, port_id: str) -> Response:
        self._port(ask, tenant, network_id, port_id)
        return _done(ask, lambda tx: quantum.delete_port(tx, tenant, network_id, port_id, ask.means))

    # --- attachments ---

    def show_attachment(self, ask: Ask, tenant: str, network_id: str, port_id: str) -> Response:
        found = self._port(ask, tenant, network_id, port_id)
        return self._say(ask, 200, {"attachment": views.attachment(ask.view, found)})

    def plug(self, ask: Ask, tenant: str, network_id: str, port_id: str) -> Response:
        self._port(ask, tenant, network_id, port_id)
        interface = self._parameter(ask, "attachment", "id", checks.filled)
        return _done(ask, lambda tx: quantum.plug(tx, tenant, network_id, port_id, interface, ask.means), port_id)

    def unplug(self, ask: Ask, tenant: str, network_id: str, port_id: str) -> Response:
        self._port(ask, tenant, network_id, port_id)
        return _done(ask, lambda tx: quantum.unplug(tx, tenant, network_id, port_id))

    # --- what the calls share ---

    def _networks(self, ask: Ask, tenant: str) -> list[Network]:
        project = _tenant(ask, tenant)
        return filters.networks(ask.view, ask.view.model.find(Network, "project_id", project), ask.query())

    def _network(self, ask: Ask, tenant: str, network_id: str) -> Network:
        return quantum.network_of(ask.view.model.get(Network, network_id), _tenant(ask, tenant), network_id)

    def _ports(self, ask: Ask, tenant: str, network_id: str) -> list[Port]:
        network = self._network(ask, tenant, network_id)
        return filters.ports(ask.view, views.members(ask.view, network), ask.query())

    def _port(self, ask: Ask, tenant: str, network_id: str, port_id: str) -> Port:
        self._network(ask, tenant, network_id)
        return quantum.port_of(ask.view.model.get(Port, port_id), tenant, network_id, port_id)

    def _say(self, ask: Ask, status: int, body: dict[str, Any], revision: int = 0) -> Response:
        media = formats.wanted(ask.request, formats.split(ask.request.path_info)[1])
        return formats.say(self.dialect, media, status, body, revision)

    def _parameter(self, ask: Ask, root: str, name: str, check: Check, default: str | None = None) -> Any:
        """The one parameter in the body of a v1 request.  Raises HttpError, and what `check` raises."""
        body = formats.body(self.dialect, ask.request, formats.split(ask.request.path_info)[1])
        if body is formats.NOTHING and default is not None:
            return check(default)
        if not isinstance(body, dict) or set(body) != {root} or not isinstance(body[root], dict):
            raise bad_request(f"The request body must have '{root}' and nothing else.")
        given = body[root]
        unknown = given.keys() - {name}
        if unknown:
            raise bad_request(f"Unrecognized attribute(s) {min(unknown)[:64]!r} in '{root}'.")
        if name not in given and default is None:
            raise bad_request(f"Failed to parse request. Parameter '{name}' of '{root}' is not specified.")
        try:
            return check(given.get(name, default))
        except Fault as fault:
            raise bad_request(f"Invalid input for {name}. Reason: {fault}.") from None


def _as_tenant(action: str, call: Handler) -> Handler:
    """Authorize a call under a tenant's path for `action`.  Paths of other tenants are not found."""

    def handle(ask: Ask, tenant: str, *rest: str) -> Response:
        if not (ask.caller.operator or ask.caller.project_id == tenant):
            raise not_found(ask.request.path_info)
        mine = {f"{of}{name}": tenant for of in ("", "network:") for name in ("project_id", "tenant_id")}
        ask.context.policy.check(ask.caller, action, mine)
        return call(ask, tenant, *rest)

    return handle


def _tenant(ask: Ask, tenant: str) -> str:
    """Tenant in the path.  Raises NotFound for an invalid one."""
    try:
        return checks.filled(tenant)
    except Fault:
        raise not_found(ask.request.path_info) from None


def _state(value: object) -> bool:
    if not isinstance(value, str) or value not in views.STATES:
        raise Invalid(
            f"Invalid port state {checks.shown(value)}: must be one of {', '.join(views.STATES)}.",
            "RequestedStateInvalid",
        )
    return views.STATES[value]


def _done(ask: Ask, rules: Callable[[Transaction], None], *waited: str) -> Response:
    """Commit, then wait for these ports if the request has `Prefer: wait`."""
    _, revision = ask.transact(rules)
    return Response(204, revision=revision, headers=ask.wait(revision, waited))

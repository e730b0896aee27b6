"""Rules of logs: what they may name, and when they end."""

from __future__ import annotations

from controller.intent.env import Means
from controller.model.rows import Log, Port, SecurityGroup
from controller.runtime.errors import Invalid, NotFound
from controller.store.transaction import Transaction

from . import standard
from .standard import StandardRequest

RESOURCE_TYPES = ("security_group",)
EVENTS = ("ALL", "ACCEPT", "DROP")


class LogRequest(StandardRequest, total=False):
    """Requested attributes of a log; `resource_type` is one of RESOURCE_TYPES.

    `resource_id`, `target_id`: "" for none.
    """

    resource_type: str
    resource_id: str
    target_id: str
    event: str
    enabled: bool


def required(tx: Transaction, log_id: str) -> Log:
    log = tx.get(Log, log_id)
    if log is None:
        raise NotFound(f"Log resource {log_id[:64]} could not be found.", "LogResourceNotFound")
    return log


def create(tx: Transaction, project_id: str, request: LogRequest, means: Means) -> Log:
    """Make a log of the caller's own groups and ports; the operator's may name those of any project."""
    log = Log(
        **standard.fields(project_id, request, means),
        resource_type=request["resource_type"],
        resource_id=request.get("resource_id", ""),
        target_id=request.get("target_id", ""),
        event=request.get("event", "ALL"),
        enabled=request.get("enabled", True),
        by_operator=means.operator,
    )
    if log.resource_id:
        _check_group(tx, log, means)
    if log.target_id:
        _check_port(tx, log, means)
    for named in _named(log):
        tx.reserve(f"log/{named}/{log.id}", log)
    tx.put(log)
    return log


def update(tx: Transaction, log_id: str, request: LogRequest, means: Means) -> Log:
    return standard.change(tx, required(tx, log_id), request, means)


def delete(tx: Transaction, log_id: str, means: Means) -> None:
    _remove(tx, required(tx, log_id))


def remove_all(tx: Transaction, named_id: str) -> None:
    """Delete the logs that name a security group or a port, which is deleted."""
    tx.guard(f"log/{named_id}")
    for field in ("resource_id", "target_id"):
        for log in tx.find(Log, field, named_id):
            _remove(tx, log)


def _remove(tx: Transaction, log: Log) -> None:
    for named in _named(log):
        tx.release(f"log/{named}/{log.id}")
    tx.delete(log)


def _named(log: Log) -> list[str]:
    return [named for named in (log.resource_id, log.target_id) if named]


def _check_group(tx: Transaction, log: Log, means: Means) -> None:
    """Raises NotFound for a group of others, even a shared one: whose members are not the caller's to log."""
    group = tx.get(SecurityGroup, log.resource_id)
    if group is None or not (means.operator or group.project_id == means.project_id):
        raise NotFound(f"Resource {log.resource_id} could not be found.", "ResourceNotFound")


def _check_port(tx: Transaction, log: Log, means: Means) -> None:
    """Raises NotFound for a port of others, and Invalid for one that is not in the group that the log names."""
    port = tx.get(Port, log.target_id)
    if port is None or not (means.operator or port.project_id == means.project_id):
        raise NotFound(f"Target resource {log.target_id} could not be found.", "TargetResourceNotFound")
    if log.resource_id and log.resource_id not in (port.security_groups or ()):
        raise Invalid(
            f"Invalid resource constraint between resource (security_group {log.resource_id}) and target resource "
            f"(port {log.target_id}).",
            "InvalidResourceConstraint",
        )

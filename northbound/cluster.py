"""Operators' calls on the cluster: its state, and draining a member before maintenance."""

from __future__ import annotations

from controller.runtime.errors import NotFound

from .answer import Response, as_json
from .ask import Ask
from .context import ClusterOperators


def show(ask: Ask) -> Response:
    return as_json(200, {"cluster": _cluster(ask).cluster()})


def drain(ask: Ask, member_id: str) -> Response:
    return as_json(200, {"member": _cluster(ask).drain(member_id, True)})


def undrain(ask: Ask, member_id: str) -> Response:
    return as_json(200, {"member": _cluster(ask).drain(member_id, False)})


def forget(ask: Ask, member_id: str) -> Response:
    _cluster(ask).forget(member_id)
    return Response(204, b"")


def accept(ask: Ask) -> Response:
    """The model is meant to be as it is, however little of it there is; at the member that is asked."""
    _cluster(ask).accept()
    return Response(204, b"")


def _cluster(ask: Ask) -> ClusterOperators:
    cluster = ask.context.cluster
    if cluster is None:
        raise NotFound("This controller is alone: its store is not etcd.", "NoCluster")
    return cluster

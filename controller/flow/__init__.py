"""Flows as values: nothing here knows sockets, time or the framework."""

from .actions import (
    CONTROLLER,
    IN_PORT,
    Action,
    clone,
    decap,
    encap,
    label_ttl,
    move,
    output,
    output_register,
    pop_label,
    pop_vlan,
    push_label,
    push_vlan,
    put,
    resubmit,
    to_controller_by,
    to_group,
)
from .fields import Field, field, masked
from .flow import Flow, Table
from .group import Bucket, Group

__all__ = [
    "CONTROLLER",
    "IN_PORT",
    "Action",
    "Bucket",
    "Field",
    "Flow",
    "Group",
    "Table",
    "clone",
    "decap",
    "encap",
    "field",
    "label_ttl",
    "masked",
    "move",
    "output",
    "output_register",
    "pop_label",
    "pop_vlan",
    "push_label",
    "push_vlan",
    "put",
    "resubmit",
    "to_controller_by",
    "to_group",
]

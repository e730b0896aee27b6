"""Flows as values: nothing here knows sockets, time or the framework."""

from .actions import CONTROLLER, IN_PORT, Action, move, output, output_register, put, resubmit, to_controller
from .fields import Field, field, masked
from .flow import Flow, Table

__all__ = [
    "CONTROLLER",
    "IN_PORT",
    "Action",
    "Field",
    "Flow",
    "Table",
    "field",
    "masked",
    "move",
    "output",
    "output_register",
    "put",
    "resubmit",
    "to_controller",
]

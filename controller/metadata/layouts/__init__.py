"""Layouts in which instances read of themselves: a path gives bytes, or None where there is nothing."""

from __future__ import annotations

from controller.services.instance import Instance

from . import ec2, openstack
from .tree import Document


def document(instance: Instance, path: str) -> Document | None:
    """What is at a path; None for nothing.  `//` and a slash at the end make no difference."""
    parts = [part for part in path.split("/") if part]
    if parts and parts[0] == "openstack":
        return openstack.document(instance, parts[1:])
    return ec2.document(instance, parts)

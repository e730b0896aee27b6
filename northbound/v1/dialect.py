"""Differences between Quantum API v1.0 and v1.1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Dialect:
    """One API version.  `created`: status of a successful POST.  `codes`: own status codes by type of error.

    `op_status`: objects show it.  `named_faults`: the key of an error's body is its type, with the code inside.
    """

    version: str
    namespace: str
    created: int
    op_status: bool
    codes: Mapping[str, int]
    named_faults: bool = False


# Quantum API v1.0, as its first release (2011.3) answers: with status codes outside HTTP's registry.
V10 = Dialect(
    version="v1.0",
    namespace="http://netstack.org/quantum/api/v1.0",
    created=200,
    op_status=False,
    codes={
        "NetworkNotFound": 420,
        "NetworkInUse": 421,
        "PortNotFound": 430,
        "RequestedStateInvalid": 431,
        "PortInUse": 432,
        "AlreadyAttached": 440,
    },
    named_faults=True,
)

V11 = Dialect(
    version="v1.1",
    namespace="http://openstack.org/quantum/api/v1.1",
    created=202,
    op_status=True,
    codes={
        "NetworkNotFound": 404,
        "NetworkInUse": 409,
        "PortNotFound": 404,
        "RequestedStateInvalid": 400,
        "PortInUse": 409,
        "AlreadyAttached": 409,
    },
)

"""In what the versions of v1 differ.  There is one now; v1.0 would be a second value of `Dialect`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Dialect:
    """`created`: status of a successful POST.  `codes`: status by an error's type, where it is the API's own."""

    version: str
    namespace: str
    created: int
    op_status: bool
    codes: Mapping[str, int]


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

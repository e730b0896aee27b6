"""Address scopes of v2.0, as declared."""

from __future__ import annotations

from controller.intent import scopes
from controller.model.rows import AddressScope

from ..checks import boolean
from ..resource import Extension, May, Resource, attribute
from ..rules import ADMIN, READER, WRITE, Access, any_of, of_attributes
from ..schema import either
from ..structures import ip_version
from .common import IDENTITY, OWNED, STANDARD, shared, tagged

ADDRESS_SCOPES = Resource(
    name="address_scope",
    plural="address_scopes",
    path="address-scopes",
    kind=AddressScope,
    not_found="AddressScopeNotFound",
    attributes=(
        *IDENTITY,
        attribute("ip_version", ip_version, May.CREATE, required=True, shape=either(4, 6)),
        shared(May.SET, boolean),
        tagged(),
        *STANDARD,
    ),
    access=Access(
        get=any_of(READER, "role:reader and rule:shared_address_scopes"),
        attributes=of_attributes((WRITE, "shared", ADMIN)),
    ),
    create=scopes.create,
    update=scopes.update,
    delete=scopes.delete,
    index={**OWNED, "name": "name"},
    tagged=True,
    extensions=(
        Extension("address-scope", "Address scope", "2015-07-26T10:00:00-00:00", "Address scopes extension."),
        Extension("rbac-address-scope", "Add address_scope type to RBAC", "2020-02-12T00:00:00-00:00",
                  "Add address_scope type to RBAC"),
    ),
)  # fmt: skip

"""Rules of flavors and service profiles, and what a router gets from its flavor."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from controller.intent.env import Means
from controller.model.rows import Flavor, Router, ServiceProfile
from controller.runtime.errors import Conflict, Invalid, NotFound
from controller.store.transaction import Transaction

from . import standard
from .standard import StandardRequest

L3 = "L3_ROUTER_NAT"
SERVICE_TYPES = (L3, "FLAVORS")
_PROVIDERS = "neutron.services.l3_router.service_providers"


class RouterKind(NamedTuple):
    """What a router shows that was made with a driver."""

    ha: bool
    distributed: bool


# Drivers by upstream's names, under which operators' tools know them.
DRIVERS = {
    f"{_PROVIDERS}.single_node.SingleNodeDriver": RouterKind(ha=False, distributed=False),
    f"{_PROVIDERS}.ha.HaDriver": RouterKind(ha=True, distributed=False),
    f"{_PROVIDERS}.dvr.DvrDriver": RouterKind(ha=False, distributed=True),
    f"{_PROVIDERS}.dvrha.DvrHaDriver": RouterKind(ha=True, distributed=True),
}


class FlavorRequest(StandardRequest, total=False):
    """Requested attributes of a flavor; missing keys were not given."""

    service_type: str
    enabled: bool


class ProfileRequest(StandardRequest, total=False):
    """Requested attributes of a service profile; missing keys were not given."""

    driver: str
    metainfo: str
    enabled: bool


# --- service profiles -------------------------------------------------------------------------------------------------


def required_profile(tx: Transaction, profile_id: str) -> ServiceProfile:
    profile = tx.get(ServiceProfile, profile_id)
    if profile is None:
        raise NotFound(f"Service Profile {profile_id[:64]} could not be found.", "ServiceProfileNotFound")
    return profile


def create_profile(tx: Transaction, project_id: str, request: ProfileRequest, means: Means) -> ServiceProfile:
    profile = ServiceProfile(
        **standard.fields("", request, means),
        driver=request.get("driver", ""),
        metainfo=request.get("metainfo", ""),
        enabled=request.get("enabled", True),
    )
    _check_profile(profile)
    tx.put(profile)
    return profile


def update_profile(tx: Transaction, profile_id: str, request: ProfileRequest, means: Means) -> ServiceProfile:
    profile = required_profile(tx, profile_id)
    _check_profile_unused(tx, profile)
    _check_profile(replace(profile, **request))
    return standard.change(tx, profile, request, means)


def delete_profile(tx: Transaction, profile_id: str, means: Means) -> None:
    profile = required_profile(tx, profile_id)
    _check_profile_unused(tx, profile)
    tx.delete(profile)


def _check_profile(profile: ServiceProfile) -> None:
    if not profile.driver and not profile.metainfo:
        raise Invalid(
            "Invalid input for operation: Service Profile needs either a driver or metainfo.", "ServiceProfileEmpty"
        )
    if profile.driver and profile.driver not in DRIVERS:
        raise NotFound(
            f"Service Profile driver {profile.driver[:128]} could not be found.", "ServiceProfileDriverNotFound"
        )


def _check_profile_unused(tx: Transaction, profile: ServiceProfile) -> None:
    """Whoever comes to use it meanwhile writes its row, too."""
    if tx.find(Flavor, "service_profiles", profile.id):
        raise Conflict(f"Service Profile {profile.id} is used by some service instance.", "ServiceProfileInUse")


# --- flavors ----------------------------------------------------------------------------------------------------------


def required(tx: Transaction, flavor_id: str) -> Flavor:
    flavor = tx.get(Flavor, flavor_id)
    if flavor is None:
        raise NotFound(f"Flavor {flavor_id[:64]} could not be found.", "FlavorNotFound")
    return flavor


def create(tx: Transaction, project_id: str, request: FlavorRequest, means: Means) -> Flavor:
    flavor = Flavor(
        **standard.fields("", request, means),
        service_type=request["service_type"],
        enabled=request.get("enabled", True),
    )
    tx.put(flavor)
    return flavor


def update(tx: Transaction, flavor_id: str, request: FlavorRequest, means: Means) -> Flavor:
    return standard.change(tx, required(tx, flavor_id), request, means)


def delete(tx: Transaction, flavor_id: str, means: Means) -> None:
    """Delete a flavor.  Raises Conflict (FlavorInUse) while a router of any project has it."""
    flavor = required(tx, flavor_id)
    tx.guard(f"flavor-router/{flavor_id}")
    if tx.find(Router, "flavor_id", flavor_id):
        raise Conflict(f"Flavor {flavor_id} is used by some service instance.", "FlavorInUse")
    tx.delete(flavor)


def associate(tx: Transaction, flavor_id: str, profile_id: str, means: Means) -> Flavor:
    flavor, profile = required(tx, flavor_id), required_profile(tx, profile_id)
    if profile.id in flavor.service_profiles:
        raise Conflict(
            f"Service Profile {profile.id} is already associated with flavor {flavor.id}.",
            "FlavorServiceProfileBindingExists",
        )
    standard.touch(tx, profile, means)
    return standard.change(tx, flavor, {"service_profiles": (*flavor.service_profiles, profile.id)}, means)


def dissociate(tx: Transaction, flavor_id: str, profile_id: str, means: Means) -> Flavor:
    flavor = required(tx, flavor_id)
    check_associated(flavor, profile_id)
    kept = tuple(each for each in flavor.service_profiles if each != profile_id)
    return standard.change(tx, flavor, {"service_profiles": kept}, means)


def check_associated(flavor: Flavor, profile_id: str) -> None:
    """Raises NotFound for a profile that the flavor does not consist of."""
    if profile_id not in flavor.service_profiles:
        raise NotFound(
            f"Service Profile {profile_id[:64]} is not associated with flavor {flavor.id}.",
            "FlavorServiceProfileBindingNotFound",
        )


def kind_of_router(tx: Transaction, flavor_id: str) -> RouterKind:
    """What a router of the flavor shows.  Raises Conflict for what is switched off, NotFound for what is not there."""
    flavor = required(tx, flavor_id)
    if flavor.service_type != L3:
        raise Invalid(f"Invalid input for operation: flavor {flavor_id} is not one of routers.")
    if not flavor.enabled:
        raise Conflict("Flavor is not enabled.", "FlavorDisabled")
    if not flavor.service_profiles:
        raise NotFound(f"Flavor {flavor_id} has no service profile.", "FlavorServiceProfileBindingNotFound")
    profile = required_profile(tx, flavor.service_profiles[0])
    if not profile.enabled:
        raise Conflict("Service Profile is not enabled.", "ServiceProfileDisabled")
    if profile.driver not in DRIVERS:
        raise NotFound("Service Profile has no driver.", "ServiceProfileDriverNotFound")
    return DRIVERS[profile.driver]

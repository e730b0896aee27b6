"""Rules of flavors and service profiles, and what routers get from them."""

from __future__ import annotations

from functools import partial

import pytest

from controller.intent import flavors, routers
from controller.model.rows import Flavor, Router, ServiceProfile
from controller.runtime.errors import Conflict, Invalid, NotFound, Refused
from controller.store.transaction import Transaction

from .world import World

SINGLE, *_, BOTH = flavors.DRIVERS


def profile(world: World, **request: object) -> ServiceProfile:
    whole = {"driver": SINGLE} | request
    return world.run(lambda tx: flavors.create_profile(tx, "ops", whole, world.means))  # type: ignore[arg-type]


def flavor(world: World, *profiles: ServiceProfile, **request: object) -> Flavor:
    whole = {"service_type": flavors.L3} | request
    made = world.run(lambda tx: flavors.create(tx, "ops", whole, world.means))  # type: ignore[arg-type]
    for each in profiles:
        world.run(partial(_associate, world, made, each))
    return world.model.rows(Flavor)[made.id]


def _associate(world: World, of: Flavor, one: ServiceProfile, tx: Transaction) -> None:
    flavors.associate(tx, of.id, one.id, world.means)


def router(world: World, of: Flavor, **request: object) -> Router:
    whole = {"flavor_id": of.id} | request
    return world.run(lambda tx: routers.create(tx, "red", whole, world.means))  # type: ignore[arg-type]


@pytest.mark.parametrize("driver", flavors.DRIVERS)
def test_a_router_is_as_the_driver_of_its_flavor_says(world: World, driver: str) -> None:
    made = router(world, flavor(world, profile(world, driver=driver)))
    assert (made.ha, made.distributed) == flavors.DRIVERS[driver]


def test_the_first_profile_counts(world: World) -> None:
    made = router(world, flavor(world, profile(world), profile(world, driver=BOTH)))
    assert (made.ha, made.distributed) == (False, False)


@pytest.mark.parametrize("name", ["ha", "distributed"])
def test_a_flavor_and_what_it_says_are_not_asked_for_together(world: World, name: str) -> None:
    with pytest.raises(Invalid, match="together with a flavor"):
        router(world, flavor(world, profile(world)), **{name: True})


def test_flavors_that_make_no_router(world: World) -> None:
    off = profile(world, enabled=False)
    for kind, made in (
        ("FlavorDisabled", flavor(world, profile(world), enabled=False)),
        ("ServiceProfileDisabled", flavor(world, off)),
        ("FlavorServiceProfileBindingNotFound", flavor(world)),
        ("ServiceProfileDriverNotFound", flavor(world, profile(world, driver="", metainfo="x"))),
        ("InvalidInput", flavor(world, profile(world), service_type="FLAVORS")),
    ):
        with pytest.raises(Refused) as refused:
            router(world, made)
        assert refused.value.kind == kind
    with pytest.raises(NotFound) as missing:
        router(world, Flavor(id="none", project_id="", service_type=flavors.L3))
    assert missing.value.kind == "FlavorNotFound"


def test_what_is_used_stays(world: World) -> None:
    one = profile(world)
    of = flavor(world, one)
    made = router(world, of)
    with pytest.raises(Conflict) as flavor_used:
        world.run(lambda tx: flavors.delete(tx, of.id, world.means))
    with pytest.raises(Conflict) as profile_used:
        world.run(lambda tx: flavors.delete_profile(tx, one.id, world.means))
    with pytest.raises(Conflict):
        world.run(lambda tx: flavors.update_profile(tx, one.id, {"enabled": False}, world.means))
    assert (flavor_used.value.kind, profile_used.value.kind) == ("FlavorInUse", "ServiceProfileInUse")
    world.run(lambda tx: routers.delete(tx, made.id, world.means))
    world.run(lambda tx: flavors.dissociate(tx, of.id, one.id, world.means))
    world.run(lambda tx: flavors.delete_profile(tx, one.id, world.means))
    world.run(lambda tx: flavors.delete(tx, of.id, world.means))
    assert not world.model.revisions


def test_a_router_made_meanwhile_refuses_the_deletion_of_its_flavor(world: World) -> None:
    of = flavor(world, profile(world))
    deletion = Transaction(world.model)
    flavors.delete(deletion, of.id, world.means)
    assert f"taken/flavor-router/{of.id}/" in deletion.read
    made = router(world, of)
    assert world.model.taken[f"taken/flavor-router/{of.id}/{made.id}"] == made.key


def test_a_profile_is_associated_once(world: World) -> None:
    one = profile(world)
    of = flavor(world, one)
    with pytest.raises(Conflict) as twice:
        world.run(lambda tx: flavors.associate(tx, of.id, one.id, world.means))
    assert twice.value.kind == "FlavorServiceProfileBindingExists"
    world.run(lambda tx: flavors.dissociate(tx, of.id, one.id, world.means))
    with pytest.raises(NotFound) as gone:
        world.run(lambda tx: flavors.dissociate(tx, of.id, one.id, world.means))
    assert gone.value.kind == "FlavorServiceProfileBindingNotFound"


def test_a_profile_has_a_driver_that_there_is_or_a_word_for_people(world: World) -> None:
    with pytest.raises(Invalid) as empty:
        profile(world, driver="")
    with pytest.raises(NotFound) as unknown:
        profile(world, driver="x.y.Z")
    assert (empty.value.kind, unknown.value.kind) == ("ServiceProfileEmpty", "ServiceProfileDriverNotFound")

"""How much a project may have of each resource, and how much it has."""

from __future__ import annotations

from collections.abc import Mapping

from controller.model.model import Model
from controller.model.rows import Quota
from controller.model.rows.base import KINDS, QUOTAS
from controller.runtime.errors import Invalid, NotFound
from controller.store.transaction import Transaction

UNLIMITED = -1


def defaults(configured: Mapping[str, int]) -> dict[str, int]:
    """The limit of every resource that has one, for projects without a quota of their own."""
    return {name: configured.get(name, UNLIMITED) for name in QUOTAS}


def limits(quota: Quota | None, defaults: Mapping[str, int]) -> dict[str, int]:
    """Every limit of a project: its own, else the default."""
    return {name: (quota.limits if quota else {}).get(name, defaults[name]) for name in defaults}


def used(model: Model, project_id: str, name: str) -> int:
    return model.count(KINDS[name], "project_id", project_id)


def change(tx: Transaction, project_id: str, wish: Mapping[str, int], forced: bool = False) -> Quota:
    """Raises Invalid for a limit below what is in use, unless that is forced."""
    for name, limit in wish.items():
        there = 0 if forced else used(tx.model, project_id, name)
        if there > limit >= 0:
            raise Invalid(
                f"Quota limit {limit} for {name} must be greater than or equal to already used {there}.", "BadRequest"
            )
    quota = tx.get(Quota, project_id) or Quota(id=project_id)
    changed = Quota(id=project_id, limits={**quota.limits, **wish})
    tx.put(changed)
    return changed


def reset(tx: Transaction, project_id: str) -> None:
    """Back to the defaults."""
    quota = tx.get(Quota, project_id)
    if quota is None:
        raise NotFound(f"Quota for project {project_id[:64]} could not be found.", "ProjectQuotaNotFound")
    tx.delete(quota)

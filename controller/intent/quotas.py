"""Quotas: limits and usage of each resource by project."""

from __future__ import annotations

from collections.abc import Mapping

from controller.model.model import Model
from controller.model.rows import Quota
from controller.model.rows.base import KINDS, QUOTAS
from controller.runtime.errors import Invalid, NotFound
from controller.store.transaction import Transaction

UNLIMITED = -1


def defaults(configured: Mapping[str, int]) -> dict[str, int]:
    """Default limits of all resources, for projects without a quota of their own; -1: unlimited."""
    return {name: configured.get(name, UNLIMITED) for name in QUOTAS}


def limits(quota: Quota | None, defaults: Mapping[str, int]) -> dict[str, int]:
    """All limits of a project: its own, else the defaults."""
    return {name: (quota.limits if quota else {}).get(name, defaults[name]) for name in defaults}


def used(model: Model, project_id: str, name: str) -> int:
    return model.count(KINDS[name], "project_id", project_id)


def change(tx: Transaction, project_id: str, request: Mapping[str, int], forced: bool = False) -> Quota:
    """Set a project's limits.  Raises Invalid for a limit below current usage, unless `forced`."""
    for name, limit in request.items():
        there = 0 if forced else used(tx.model, project_id, name)
        if there > limit >= 0:
            raise Invalid(
                f"Quota limit {limit} for {name} must be greater than or equal to already used {there}.", "BadRequest"
            )
    quota = tx.get(Quota, project_id) or Quota(id=project_id)
    changed = Quota(id=project_id, limits={**quota.limits, **request})
    tx.put(changed)
    return changed


def reset(tx: Transaction, project_id: str) -> None:
    """Delete a project's quota, so that the defaults apply.  Raises NotFound."""
    quota = tx.get(Quota, project_id)
    if quota is None:
        raise NotFound(f"Quota for project {project_id[:64]} could not be found.", "ProjectQuotaNotFound")
    tx.delete(quota)

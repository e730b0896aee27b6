"""OpenStack's own clients, as they are, sent to Tenet by Keystone's catalog."""

from __future__ import annotations

import pytest

from tests.clients.test_clients import SCRIPTS, run_script
from tests.identity.cloud import Keystone, Tenet, environment


@pytest.fixture
def roomy(tenet: Tenet, keystone: Keystone) -> Keystone:
    """The operator's own project may have more ports than this cloud's others."""
    token = keystone.token(keystone.admin)
    mine = tenet.call("GET", "/v2.0/quotas/tenant", token=token).json["tenant"]["tenant_id"]
    assert tenet.call("PUT", f"/v2.0/quotas/{mine}", {"quota": {"port": 50}}, token).status == 200
    return keystone


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_resource(roomy: Keystone, script: str) -> None:
    run_script(script, environment(roomy, roomy.admin))

"""A hypervisor dies for good: a VM of it that is started elsewhere is there at once where a binding says so, else after
a while; and the operator removes what is left.
"""

from __future__ import annotations

from tests.lab.cloud import cloud, until


def test_a_vm_of_a_dead_host_is_where_it_was_started_anew_and_the_host_can_be_removed() -> None:
    with cloud([["vxlan"]] * 3) as made:
        api = made.v2("red")
        network = api.network("n")
        api.subnet(network, "10.0.0.0/24")
        here, there, other = (api.port(network, f"10.0.0.{number}") for number in (11, 12, 13))
        made.start(made[0], there)
        made.start(made[0], other)
        asking = made.start(made[1], here)
        assert asking.reaches("10.0.0.12") and asking.reaches("10.0.0.13")
        name = made[0].system_id
        assert made.controller.api("DELETE", f"/tenet/v1/switches/{name}").status == 409
        made[0].stop()
        made.bare(made[2], "10.0.0.13/24", iface_id=other["id"], mac=other["mac_address"])
        api.update("port", there["id"], **{"binding:host_id": made[2].system_id})
        anew = made.bare(made[2], "10.0.0.12/24", iface_id=there["id"], mac=there["mac_address"])
        assert anew.reaches("10.0.0.11")
        assert asking.reaches("10.0.0.12")
        assert api.show("port", there["id"])["binding:host_id"] == made[2].system_id
        assert not asking.reaches("10.0.0.13", within=2.0), "nothing says yet that it is not where it was"
        assert until(lambda: not made.controller.switches()[name]["connected"], within=90)
        assert until(lambda: api.show("port", other["id"])["binding:host_id"] == made[2].system_id, within=90)
        assert until(lambda: {api.show("port", each["id"])["status"] for each in (there, other)} == {"ACTIVE"})
        assert asking.reaches("10.0.0.13")
        assert until(lambda: made.controller.api("DELETE", f"/tenet/v1/switches/{name}").status == 204)
        assert name not in made.controller.switches()
        assert made.controller.api("DELETE", f"/tenet/v1/switches/{name}").status == 404
        assert asking.reaches("10.0.0.12")

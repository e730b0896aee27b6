from tests.e2e import test_gateway_failover as t
import time
def test_dbg():
    with t.cloud([("vxlan",)] * 3, t.OPTIONS) as made:
        s = t.Site(made)
        active=s.active(); a=s.number(active)
        pings=s.vm.pinging(t.STATION, .01)
        time.sleep(6)
        lost=pings.stop()
        print("plain: active", a, "lost", len(lost), lost[:40], "answered", len(pings.answered()))
        for n in range(3):
            h=made[n]
            print("==",n, h.appctl("coverage/show")[:10])
            print(h.ofctl("dump-flows","table=106")[-600:], h.ofctl("dump-flows","table=20")[-500:])
            for tb in (104,105,107,109,110,111,120,122,128,208):
                for f in h.ofctl("dump-flows",f"table={tb}").splitlines():
                    if "n_packets=0" not in f and "n_packets" in f: print(f[:230])
            print(h.appctl("dpif-netdev/pmd-perf-show")[:10] if 0 else "")

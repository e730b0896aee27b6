"""Members, a store and switches on a virtual clock; from a seed come what is lost, late, stopped, cut and started anew.

What decides is the product's: `Shared` and `View` over the product's `Model`, and its `Transaction`s.  Simulated are
clocks (`clock`), the store (`store`: rows, leases, a feed that every member reads late, messages that are lost),
OpenFlow switches and connections (`switch`: roles and generations as OpenFlow 1.3.5, 6.3.5 has them; delivered in
order, late, or not at all), members' processes (`node`), and what befalls them all (`world`).
"""

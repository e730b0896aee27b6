"""Routing between the networks of a router, on the switch where the sender is (decision 115).

In packet order: `answers` (ARP and neighbour discovery for a router's addresses), `enter` (frames to a router's MAC),
`itself` (packets to a router's own addresses), `static` (TTL, what is too big), `routes` (longest prefix), `mtu`,
`resolve` (MAC of the next hop).  `interface` says which interfaces route, `next_hop` how a next hop travels.
"""

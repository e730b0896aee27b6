"""Translation between tenants' networks and external ones (docs/decisions/0124-north-south.md).

`gateways` says by which ports and subnets a router meets external networks, `places` which switch translates for what.
In packet order: `routes` (which packets leave by a gateway, and their next hops outside), `floating` (floating IPs),
`gateway` (the switch where all else of a router leaves and comes in), `answers` (ARP and neighbour discovery for the
addresses outside), `reached` (how other switches get to these addresses).
"""

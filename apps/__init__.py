"""Apps: modules that yield the flows of objects, with a function for each kind of object that they handle.

`ON_SWITCH`: flows of the switch that the object is on.  `IN_NETWORK`: of every switch that holds its network.
`IN_ROUTER`, `IN_GROUP`, `IN_ADDRESS_SET`, `IN_PLAIN_ADDRESS_SET`: of every switch that carries such a set.  The order
of apps does not matter.  A function gets the object and a reader, yields flows, and has no other effect.
"""

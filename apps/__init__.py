"""Apps: modules that yield the flows of objects, with a function for each kind of object that they handle.

`HERE`: flows of the switch that the object is on.  `EVERYWHERE`: flows of every switch that holds its network.  The
order of apps does not matter.  A function gets the object and a reader, yields flows, and has no other effect.
"""

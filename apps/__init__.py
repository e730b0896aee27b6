"""What flows an object needs.  An app is a module with a function for each kind of object that it has flows for.

`HERE`: on the switch that the object is on.  `EVERYWHERE`: on every switch that holds the object's network.  Their
order does not matter.  A function is given the object and a reader, and yields flows; it has no other effect.
"""

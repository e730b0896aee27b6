"""Security groups: filters of what ports send and receive, stateful by Open vSwitch's connection tracker.

`stages` has the states of connections, the same flows on every switch; `ports` says which groups a port has; `groups`
and `rules` what a group allows; `members` which addresses are in a set that rules name; `floods` filters the copies of
group frames.  docs/decisions/0100-nested-sets.md says why they are nested sets and not conjunctions.
"""

"""Metadata server (`tenet metadata serve`): a process beside Open vSwitch that tells instances of themselves."""

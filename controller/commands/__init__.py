"""Subcommands of `tenet` other than `run`, one a file."""

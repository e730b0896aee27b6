"""Tests on Mininet, which is Debian's, for Debian's Python."""

from __future__ import annotations

import subprocess
import sys

_WHERE = "import mininet, os; print(os.path.dirname(mininet.__path__[0]))"


def find() -> None:
    """Make Mininet's directory the last on the path, after all that Tenet has."""
    for python in ("/usr/bin/python3", "python3"):
        found = subprocess.run([python, "-c", _WHERE], capture_output=True, text=True)
        if found.returncode == 0:
            sys.path.append(found.stdout.strip())
            return

"""tools/alone.sh hides /tmp and /run from its command, and never from who calls it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ALONE = Path(__file__).parents[2] / "tools" / "alone.sh"
KINDS = ("mnt", "net", "pid")
# in a mount namespace of its own, so that a script that did not refuse would hide nothing that others need
REFUSED = {
    "a shell's": ("--mount", f'{ALONE} --inside "mnt:[1]" true || echo $?; ls'),
    "the first process's": (
        "--mount --pid --fork --mount-proc",
        f'exec {ALONE} --inside "$(readlink /proc/self/ns/mnt)" true',
    ),
}


def _kept(folder: str) -> list[str]:
    """What is in `folder` although it is hidden: the way to this checkout."""
    checkout = ALONE.resolve().parents[1]
    return [checkout.relative_to(folder).parts[0]] if checkout.is_relative_to(folder) else []


def test_its_command_has_namespaces_of_its_own_and_the_caller_keeps_tmp(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    links = " ".join(f"/proc/self/ns/{kind}" for kind in KINDS)
    script = f"readlink {links}; echo $TENET_ALONE $(ls -A /tmp /run); exit 3"
    said = subprocess.run([ALONE, "sh", "-c", script], capture_output=True, text=True, timeout=30)
    assert said.returncode == 3, said.stderr
    *theirs, last = said.stdout.splitlines()
    ours = [os.readlink(f"/proc/self/ns/{kind}") for kind in KINDS]
    assert len(theirs) == len(KINDS) and not set(theirs) & set(ours)
    assert last == " ".join(["1 /run:", *_kept("/run"), "/tmp:", *_kept("/tmp")])
    assert (tmp_path / "mine").exists()


@pytest.mark.parametrize("whose", sorted(REFUSED))
def test_it_refuses_to_hide_the_callers_tmp(whose: str, tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    options, script = REFUSED[whose]
    command = ["unshare", *options.split(), "sh", "-c", script.replace("; ls", f"; ls {tmp_path}")]
    said = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert "nothing done" in said.stderr
    assert (said.returncode, said.stdout) in ((2, ""), (0, "2\nmine\n"))

#!/usr/bin/env bash
# alone.sh COMMAND [ARGUMENT ...]: run COMMAND (as root) in network, mount and process namespaces of its own: with a loopback
# that is up, and a /tmp and /run of their own, so that neither names nor sockets meet anybody else's.  A checkout that is
# in /tmp itself stays where it is.
set -euo pipefail

here=$(readlink /proc/self/ns/mnt)
if [[ ${1-} != --inside ]]; then
    exec unshare --net --mount --pid --fork --kill-child --mount-proc "$0" --inside "$here" "$@"
fi

# The second time round, and by nobody's hand: what follows would hide the caller's own /tmp and /run.
if [[ $$ != 1 || ${2-} != mnt:* || $here == "$2" ]]; then
    echo "alone.sh: these are the caller's namespaces: nothing done; call it without --inside" >&2
    exit 2
fi
shift 2
ip link set lo up
mount --make-rprivate /
mount -t sysfs sysfs /sys  # of these namespaces
checkout=$(cd "$(dirname "$0")/.." && pwd -P)
exec 9<"$checkout"  # however it is hidden now
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /run
if [[ $checkout == /tmp/* || $checkout == /run/* ]]; then
    mkdir -p "$checkout"
    mount --no-mtab --no-canonicalize --bind /proc/self/fd/9 "$checkout"
    cd "$PWD"
fi
exec 9<&-
export TENET_ALONE=1  # tests/mininet run with it only
"$@"  # not exec: the shell, the first process here, reaps what others leave

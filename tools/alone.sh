#!/usr/bin/env bash
# alone.sh COMMAND [ARGUMENT ...]: run COMMAND in fresh namespaces (unshare --net --mount --pid): with a loopback that is
# up, and a /tmp and /run of their own, so that neither names nor sockets meet anybody else's.
set -euo pipefail
ip link set lo up
mount --make-rprivate /
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /run
"$@"  # not exec: the shell, the first process here, reaps what others leave

#!/usr/bin/env bash
# together.sh COMMAND ...
#
# Runs the commands (each one argument, for bash) side by side and shows what each wrote once it has ended, in the order
# in which they are given.  Ends with status 1 when one of them failed, and ends them when it is ended itself.
set -muo pipefail  # -m: each command is a process group, and can be ended with all that it has started

directory=$(mktemp -d)
pids=()
stop() { for pid in "${pids[@]}"; do kill -- "-$pid" 2>/dev/null; done; wait; }
trap 'rm -rf "$directory"' EXIT
trap 'stop; exit 130' INT TERM HUP

for command in "$@"; do
    bash -c "$command" >"$directory/${#pids[@]}" 2>&1 </dev/null &
    pids+=($!)
done

status=0
for number in "${!pids[@]}"; do
    wait "${pids[number]}" || status=1
    arguments=("$@")
    echo "${arguments[number]}"
    cat "$directory/$number"
done
exit $status

#!/usr/bin/env bash
# lanes.sh "TARGET ..." ...
#
# Makes the targets of each argument one after the other, the arguments side by side.  What a target writes is shown when
# it has ended, with the seconds that it took.  A lane ends at its first failure, the others go on.  Ends with status 1
# when a target has failed, and ends all of them when it is ended itself.
set -muo pipefail  # -m: each lane is a process group, and can be ended with all that it has started

directory=$(mktemp -d)
pids=()
stop() { for pid in "${pids[@]}"; do kill -- "-$pid" 2>/dev/null; done; wait; }
trap 'rm -rf "$directory"' EXIT
trap 'stop; exit 130' INT TERM HUP

lane() {
    local target began status
    for target in $2; do
        began=$SECONDS status=0
        "${MAKE:-make}" --no-print-directory "$target" >"$directory/$1" 2>&1 </dev/null || status=$?
        { echo "--- $target: $((SECONDS - began)) s"; cat "$directory/$1"; } >"$directory/shown-$1"
        flock "$directory" cat "$directory/shown-$1"
        [ "$status" -eq 0 ] || return 1
    done
}

for targets in "$@"; do
    lane "${#pids[@]}" "$targets" &
    pids+=($!)
done

result=0
for pid in "${pids[@]}"; do
    wait "$pid" || result=1
done
exit $result

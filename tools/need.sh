#!/usr/bin/env bash
# need.sh PACKAGE:COMMAND[:ARGUMENTS] ...
#
# Sees to it that each COMMAND can be run (with ARGUMENTS: that running it succeeds).  What is missing is installed from
# its Debian package when the user is root; otherwise this says which packages to install and ends with status 1.
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin"

present() {
    local command arguments
    IFS=: read -r command arguments <<<"$1"
    command -v "$command" >/dev/null || return 1
    # shellcheck disable=SC2086
    [ -z "$arguments" ] || "$command" $arguments >/dev/null 2>&1
}

missing=()
for need in "$@"; do
    present "${need#*:}" || missing+=("${need%%:*}")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "missing: install ${missing[*]} (on Debian: apt-get install ${missing[*]})" >&2
    exit 1
fi

export DEBIAN_FRONTEND=noninteractive
install() { apt-get install -y --no-install-recommends "${missing[@]}" </dev/null; }
echo "installing ${missing[*]}" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install >"$log" 2>&1 || { apt-get update </dev/null >"$log" 2>&1 && install >"$log" 2>&1; } || {
    cat "$log" >&2
    echo "could not install ${missing[*]}" >&2
    exit 1
}
for need in "$@"; do
    present "${need#*:}" || { echo "${need%%:*} is installed, but ${need#*:} still does not run" >&2; exit 1; }
done

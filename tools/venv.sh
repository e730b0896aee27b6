#!/usr/bin/env bash
# venv.sh FOLDER: a virtual environment of Python 3.11 or later, made there unless it is there.  PYTHON names another interpreter.
set -euo pipefail
folder=$1
python=${PYTHON:-python3}
[ -x "$folder/bin/python" ] && exit 0
"$(dirname "$0")/need.sh" "python3:$python" "python3-venv:$python:-m ensurepip --version"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Tenet needs Python 3.11 or later, $python is $("$python" --version); name another with PYTHON=..." >&2
    exit 1
}
"$python" -m venv "$folder"

#!/usr/bin/env bash
# Sets up everything that `make demo` and `make test` need on a fresh machine: a virtual environment with the
# locked dependencies, and bubblewrap from the system's packages where this user may install them.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${VENV:-.venv}

python=${PYTHON:-}
if [ -z "$python" ]; then
    for candidate in python3.11 python3.12 python3.13 python3; do
        if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
            python=$candidate
            break
        fi
    done
fi
if [ -z "$python" ]; then
    echo "setup: no Python 3.11 or newer was found" >&2
    echo "  fix: install it (Debian and Ubuntu: apt-get install python3.11 python3.11-venv), or name it: PYTHON=/path make test" >&2
    exit 1
fi

[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --quiet --disable-pip-version-check -r requirements.lock
"$venv/bin/python" -m pip install --quiet --quiet --disable-pip-version-check --no-deps --editable .

# Compiled once here, so that no start of the program has to, also where Python may not write bytecode.
"$venv/bin/python" -m compileall -q grader

if ! command -v bwrap >/dev/null; then
    as_root=""
    [ "$(id -u)" = 0 ] || as_root="sudo -n"
    if command -v apt-get >/dev/null && { [ -z "$as_root" ] || $as_root true 2>/dev/null; }; then
        # A failure here is no failure of the set-up: the line below says what it means.
        { $as_root apt-get update -qq && $as_root apt-get install -y -qq bubblewrap; } >/dev/null 2>&1 || true
    fi
fi
if ! command -v bwrap >/dev/null; then
    echo "setup: bubblewrap is missing and could not be installed by this user"
    echo "  still works: all theory checks, and your own model code under limits only (--sandbox none)"
    echo "  fix: ask an administrator for the package 'bubblewrap', then run 'grader doctor'"
fi
touch "$venv/.ready"

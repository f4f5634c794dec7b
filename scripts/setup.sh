#!/usr/bin/env bash
# Sets up everything that `make demo` and `make test` need on a fresh machine: a virtual environment with the
# locked dependencies, and bubblewrap from the system's packages where this user may install them.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${VENV:-.venv}

stop() {  # WHAT FIX
    printf 'setup: %s\n  fix: %s\n' "$1" "$2" >&2
    exit 1
}
is_new_enough() {
    command -v "$1" >/dev/null && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

python=""
if [ -n "${PYTHON:-}" ]; then candidates=("$PYTHON"); else candidates=(python3.11 python3.12 python3.13 python3); fi
for candidate in "${candidates[@]}"; do
    if is_new_enough "$candidate"; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || stop "${PYTHON:+$PYTHON is not it: }no Python 3.11 or newer was found" \
    "install it (Debian and Ubuntu: apt-get install python3.11 python3.11-venv), or name it: PYTHON=/path make test"

is_there=$([ -e "$venv" ] && echo yes || true)
if [ -x "$venv/bin/python" ]; then
    is_new_enough "$venv/bin/python" ||
        stop "$venv was made with a Python older than 3.11" "remove it (rm -r $venv), then run this again"
elif ! "$python" -m venv "$venv"; then
    [ -n "$is_there" ] || rm -rf "$venv" # half of one would be taken for a whole one the next time
    stop "no virtual environment could be made in $venv" \
        "make this folder writable, and install Python's venv (Debian and Ubuntu: apt-get install python3-venv)"
fi
pip=("$venv/bin/python" -m pip install --quiet --quiet --disable-pip-version-check)
{ "${pip[@]}" -r requirements.lock && "${pip[@]}" --no-deps --editable .; } ||
    stop "the packages could not be installed (pip says above why)" \
        "check the network and the space on this disk, then run this again"

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

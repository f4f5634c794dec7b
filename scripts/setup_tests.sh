#!/usr/bin/env bash
# What some tests need beside Python: a browser for the pages, a PostgreSQL for the gradebook. Installed from the
# system's packages where this user may; without them those tests are skipped, and say so.
set -euo pipefail

missing=()
command -v chromium >/dev/null || missing+=(chromium)
compgen -G "/usr/lib/postgresql/*/bin/postgres" >/dev/null || missing+=(postgresql)
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo -n"
if command -v apt-get >/dev/null && { [ -z "$as_root" ] || $as_root true 2>/dev/null; }; then
    { $as_root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq "${missing[@]}"; } \
        >/dev/null 2>&1 || true
fi
for name in "${missing[@]}"; do
    case $name in
        chromium) command -v chromium >/dev/null || echo "setup: no chromium: the tests of the pages are skipped" ;;
        postgresql) compgen -G "/usr/lib/postgresql/*/bin/postgres" >/dev/null ||
            echo "setup: no PostgreSQL: its tests are skipped" ;;
    esac
done

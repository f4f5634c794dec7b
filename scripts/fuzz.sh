#!/usr/bin/env bash
# Fuzzes the readers of summaries with atheris, which `make fuzz` installs beside the build and nowhere else.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${VENV:-.venv}
seconds=${FUZZ_SECONDS:-60}
tools=build/fuzz/tools
mkdir -p "$tools" build/fuzz/found build/fuzz/seeds

if ! PYTHONPATH=$tools "$venv/bin/python" -c 'import atheris' 2>/dev/null; then
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --target "$tools" 'atheris>=2.3' || {
        printf 'fuzz: atheris could not be installed (pip says above why; it has wheels for Linux on x86-64 only)\n' >&2
        printf '  fix: run it where there is one, or: %s/bin/python -m pytest tests/architecture/test_readers_fuzz.py\n' "$venv" >&2
        exit 1
    }
fi
# libFuzzer starts from files; the first byte says how the rest is read (see fuzz_readers.py).
for file in tests/architecture/printed/*.txt; do
    { printf ' '; head -c 6000 "$file"; } > "build/fuzz/seeds/$(basename "$file")"
done
PYTHONPATH=$tools:. "$venv/bin/python" fuzz/fuzz_readers.py -max_total_time="$seconds" -max_len=8000 -timeout=30 \
    -rss_limit_mb=2048 -artifact_prefix=build/fuzz/ -print_final_stats=1 build/fuzz/found build/fuzz/seeds

#!/usr/bin/env bash
# Installs ministack, an emulator of AWS, into an environment of its own in .tools/, for the tests: it needs another botocore than
# the locked one. Prints the program. TOOLS=FOLDER for another place than .tools.
set -euo pipefail
cd "$(dirname "$0")/.."

lock=scripts/ministack.lock
place=${TOOLS:-$PWD/.tools}/ministack

if ! cmp --quiet "$lock" "$place/lock" || ! "$place/bin/ministack" --help >/dev/null 2>&1; then
  python=${PYTHON:-$(command -v python3.11 || command -v python3)}
  "$python" -m venv --clear "$place"
  "$place/bin/python" -m pip --disable-pip-version-check --no-input install --quiet --require-hashes --no-deps -r "$lock"
  cp "$lock" "$place/lock"   # the last: who is stopped before it begins anew
fi
echo "$place/bin/ministack"

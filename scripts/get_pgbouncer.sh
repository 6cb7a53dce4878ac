#!/usr/bin/env bash
# Fetches Debian's PgBouncer with the libraries that it brings into .tools/, for the tests. Prints the program.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/get_debian.sh pgbouncer 'LD_LIBRARY_PATH=$(echo usr/lib/*) usr/sbin/pgbouncer --version' pgbouncer libevent-2.1-7 libc-ares2
echo "${TOOLS:-$PWD/.tools}/pgbouncer/usr/sbin/pgbouncer"

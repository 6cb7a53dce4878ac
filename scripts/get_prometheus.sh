#!/usr/bin/env bash
# Fetches Debian's Prometheus and promtool into .tools/, for the tests. Prints the folder of the two programs.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/get_debian.sh prometheus 'usr/bin/prometheus --version && usr/bin/promtool --version' prometheus
echo "${TOOLS:-$PWD/.tools}/prometheus/usr/bin"

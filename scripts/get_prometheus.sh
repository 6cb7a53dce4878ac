#!/usr/bin/env bash
# Fetches Debian's Prometheus and promtool into .tools/, for the tests: unpacked, never installed. Prints the folder of
# the two programs. Does nothing where they are there and run.
#
# Needs Debian's apt-get with lists (`apt-get update`), and dpkg. TOOLS=FOLDER for another place than .tools.
set -euo pipefail
cd "$(dirname "$0")/.."

tools=${TOOLS:-$PWD/.tools}
bin=$tools/prometheus/usr/bin

runs() {
  "$1/prometheus" --version >/dev/null 2>&1 && "$1/promtool" --version >/dev/null 2>&1
}

if runs "$bin"; then
  echo "$bin"
  exit 0
fi

for program in apt-get dpkg; do
  command -v "$program" >/dev/null || { echo "get_prometheus: $program is needed: this is for Debian" >&2; exit 1; }
done

# Beside its place and moved there at the end: who runs at the same time never sees a half of it.
mkdir -p "$tools"
new=$(mktemp -d "$tools/prometheus.XXXXXX")
trap 'rm -rf "$new"' EXIT

fetch() { (cd "$new" && apt-get -qq -o APT::Sandbox::User=root download prometheus >&2); }
if ! fetch; then
  [ "$(id -u)" -eq 0 ] || { echo "get_prometheus: run apt-get update as root, and this again" >&2; exit 1; }
  apt-get -qq update >&2
  fetch
fi
dpkg -x "$new"/prometheus_*.deb "$new"
rm -f "$new"/prometheus_*.deb
runs "$new/usr/bin" || { echo "get_prometheus: what was fetched does not run here" >&2; exit 1; }

chmod 755 "$new"
if [ -e "$tools/prometheus" ]; then
  mv "$tools/prometheus" "$new.old" && rm -rf "$new.old"
fi
if ! mv -T "$new" "$tools/prometheus" 2>/dev/null && ! runs "$bin"; then
  echo "get_prometheus: $tools/prometheus cannot be written" >&2
  exit 1
fi
echo "$bin"

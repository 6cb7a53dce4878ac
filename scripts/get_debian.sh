#!/usr/bin/env bash
# Unpacks packages of Debian into .tools/NAME for the tests, and installs nothing:
#
#     scripts/get_debian.sh NAME CHECK PACKAGE...
#
# CHECK is a command that succeeds, in that folder, when what was fetched is there and runs; then nothing is done. Needs
# Debian's apt-get with lists (`apt-get update`), and dpkg. TOOLS=FOLDER for another place than .tools.
set -euo pipefail
cd "$(dirname "$0")/.."

name=$1 check=$2
shift 2
tools=${TOOLS:-$PWD/.tools}

runs() { [ -d "$1" ] && (cd "$1" && bash -c "$check") >/dev/null 2>&1; }

if runs "$tools/$name"; then
  exit 0
fi

for program in apt-get dpkg; do
  command -v "$program" >/dev/null || { echo "get_debian: $program is needed: this is for Debian" >&2; exit 1; }
done

# Beside its place and moved there at the end: who runs at the same time never sees a half of it.
mkdir -p "$tools"
new=$(mktemp -d "$tools/$name.XXXXXX")
trap 'rm -rf "$new"' EXIT

fetch() { (cd "$new" && apt-get -qq -o APT::Sandbox::User=root download "$@" >&2); }
if ! fetch "$@"; then
  [ "$(id -u)" -eq 0 ] || { echo "get_debian: run apt-get update as root, and this again" >&2; exit 1; }
  apt-get -qq update >&2
  fetch "$@"
fi
for package in "$new"/*.deb; do dpkg -x "$package" "$new"; done
rm -f "$new"/*.deb
runs "$new" || { echo "get_debian: what was fetched for $name does not run here" >&2; exit 1; }

chmod 755 "$new"
if [ -e "$tools/$name" ]; then
  mv "$tools/$name" "$new.old" && rm -rf "$new.old"
fi
if ! mv -T "$new" "$tools/$name" 2>/dev/null && ! runs "$tools/$name"; then
  echo "get_debian: $tools/$name cannot be written" >&2
  exit 1
fi

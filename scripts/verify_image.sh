#!/usr/bin/env bash
# Builds the Dockerfile as it stands, without an engine and without an image registry, runs the image as production
# would, and looks. The figures go to stdout, `name<TAB>value` a line; what is seen goes to stderr; fails at the first lie.
#
# Needs root, and Debian's buildah, podman, runc and debootstrap. What it cannot show: the content of the real
# python:3.11-slim. In its place stands Debian's own Python 3.11, made once and kept as $base; `verify_image.sh base` makes
# only that.
# COMPRESSED=1 also measures the layers as a registry would hold them. KEEP=1 keeps the image. DATABASE_URL also tries a
# PostgreSQL.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly base=localhost/rollbackd-standin:python-3.11
readonly real=docker.io/library/python:3.11-slim
readonly image=localhost/rollbackd:verify-$$ name=rollbackd-verify-$$ volume=rollbackd-verify-$$
runs=(podman --runtime runc --cgroup-manager=cgroupfs)

say() { echo "verify_image: $*" >&2; }
fail() { say "FAILED: $*"; exit 1; }
figure() { printf '%s\t%s\n' "$1" "$2"; }
now() { date +%s%3N; }
is() { [ "$2" = "$3" ] || fail "$1: expected '$2', found '$3'"; say "ok: $1: $3"; }

[ "$(id -u)" -eq 0 ] || fail "root is needed"
for program in buildah podman runc debootstrap; do
  command -v "$program" >/dev/null || fail "$program is needed: apt-get install --no-install-recommends buildah podman runc debootstrap"
done
python=.venv/bin/python
[ -x "$python" ] || python=$(command -v python3.11 || command -v python3)

work=$(mktemp -d)
mounted=
clean() {
  [ -z "$mounted" ] || buildah umount "$mounted" >/dev/null 2>&1 || true
  [ -z "$mounted" ] || buildah rm "$mounted" >/dev/null 2>&1 || true
  "${runs[@]}" rm -f "$name" >/dev/null 2>&1 || true
  "${runs[@]}" volume rm -f "$volume" >/dev/null 2>&1 || true
  [ -n "${KEEP:-}" ] || buildah rmi -f "$image" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap clean EXIT

# --- the base, once --------------------------------------------------------------------------------------------------

make_base() {
  local mirror made
  # shellcheck disable=SC2016    # $(SITE) is apt's to expand
  mirror=$(apt-get indextargets --format '$(SITE)' 'Codename: bookworm' 2>/dev/null | head -n 1 || true)
  debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$work/root" ${mirror:+"$mirror"} \
    >"$work/debootstrap.log" 2>&1 || { tail -n 20 "$work/debootstrap.log" >&2; fail "debootstrap"; }
  rm -rf "$work"/root/var/cache/apt/* "$work"/root/var/lib/apt/lists/* "$work"/root/usr/share/{locale,doc,man}/* \
    "$work"/root/etc/apt/sources.list
  ln -s /usr/bin/python3 "$work/root/usr/local/bin/python"
  made=$(buildah from scratch)
  buildah add -q "$made" "$work/root/" / >/dev/null
  buildah config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin --cmd python3 "$made"
  buildah commit -q --rm "$made" "$base" >/dev/null
  rm -rf "$work/root"
}

began=$(now)
exec 9>"${TMPDIR:-/tmp}/rollbackd-verify-base.lock"    # whoever comes while another one makes it waits for that one
flock 9
if ! buildah inspect --type image "$base" >/dev/null 2>&1; then
  say "making the stand-in of $real"
  make_base 9>&-
fi
exec 9>&-
figure base_seconds $((($(now) - began) / 1000))
[ "${1:-}" != base ] || exit 0

# --- build -----------------------------------------------------------------------------------------------------------

# The host's pip fetches what is locked, by whatever way it knows; the build gets the files and no way out to an index.
began=$(now)
mkdir "$work/packages"
for lock in requirements.lock requirements-build.lock; do
  "$python" -m pip --disable-pip-version-check download --quiet --quiet --no-deps --require-hashes --only-binary :all: \
    --python-version 3.11 --dest "$work/packages" -r "$lock"
done
printf '[global]\nno-index = true\nfind-links = /mnt\n' >"$work/pip.conf"
figure fetch_seconds $((($(now) - began) / 1000))

began=$(now)
buildah bud --quiet --isolation chroot --format docker --pull-never --build-context "$real=container-image://$base" \
  --secret "id=pip,src=$work/pip.conf" --volume "$work/packages:/mnt:ro" -t "$image" . >"$work/build.log" 2>&1 \
  || { tail -n 40 "$work/build.log" >&2; fail "the build"; }
figure build_seconds $((($(now) - began) / 1000))

# --- what is in it ---------------------------------------------------------------------------------------------------

mounted=$(buildah from --pull-never "$image")
root=$(buildah mount "$mounted")
[ ! -s "$root/etc/pip.conf" ] || fail "/etc/pip.conf is in the image"
[ -z "$(ls -A "$root/mnt")" ] || fail "packages are in the image"
site=("$root"/opt/rollbackd/lib/python3*/site-packages)
for left in pip setuptools hatchling numpy/tests matplotlib/tests; do
  [ ! -e "${site[0]}/$left" ] || fail "$left is in the image"
done
[ -z "$(find "$root/opt/rollbackd" -perm /6000 -print -quit)" ] || fail "a setuid file in /opt/rollbackd"
[ -z "$(find "$root/opt/rollbackd" '(' -user 10001 -o -perm -o+w -not -type l ')' -print -quit)" ] || fail "the program could change itself"
# Whatever the host's pip is told is nowhere in what we add, nor in the image's own description.
# (The public index is named in the text of many packages, and says nothing.)
{ "$python" -m pip config list 2>/dev/null; env | grep '^PIP_' || true; } \
  | grep -oE "(https?|file)://[^[:space:]'\\\\]+" | grep -v '^https://pypi\.org' | sort -u >"$work/told" || true
buildah inspect --type image "$image" >"$work/described"
if [ -s "$work/told" ]; then
  if grep -qFf "$work/told" "$work/described" || grep -rqIFf "$work/told" "$root/opt/rollbackd" "$root/etc"; then
    fail "something of the host's package index is in the image"
  fi
fi
say "ok: no pip, no build tools, nothing of the host's package index"
figure own_mb "$(du -sm "$root/opt/rollbackd" | cut -f 1)"
figure image_mb "$(du -smx "$root" | cut -f 1)"
if [ -n "${COMPRESSED:-}" ]; then
  figure own_compressed_mb $(($(tar -C "$root" -cz opt/rollbackd | wc -c) / 1000000))
  figure image_compressed_mb $(($(tar -C "$root" --one-file-system -cz . | wc -c) / 1000000))
fi
buildah umount "$mounted" >/dev/null
buildah rm "$mounted" >/dev/null
mounted=

# --- run it as production would --------------------------------------------------------------------------------------

port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$work/rollbackd.yaml" <<YAML
version: 1
daemon:
  http: {listen: "127.0.0.1:$port"}
  reach: [127.0.0.0/8]
teams:
  owners: {may_order: [local]}
services:
  web:
    production:
      team: owners
      mode: shadow
      runs_on:
        - command:
            live: [/opt/rollbackd/bin/python, -c, 'print("{\"tag\": \"v1\"}")']
            move: [/opt/rollbackd/bin/python, -c, 'pass', "\${tag}", "\${expect}", "\${key}"]
      rules:
        - file: rules.yaml
YAML
cat >"$work/rules.yaml" <<YAML
version: 1
indicators:
  health: {probe: {http: {url: "http://127.0.0.1:$port/livez", every: 10s, timeout: 2s, expect: {status: 200}}}}
rules:
  - {name: answers, indicator: health, judge: {threshold: {bad: 3, of: 5}}, on_breach: rollback}
YAML
chmod 755 "$work"
chmod 644 "$work/rollbackd.yaml" "$work/rules.yaml"

# shellcheck disable=SC2054    # commas inside an option
hardened=(--network=host --no-healthcheck --memory 256m --pids-limit 128 --ulimit nofile=4096:4096 --ulimit nproc=4096:4096
  --security-opt no-new-privileges --cap-drop=ALL --read-only --read-only-tmpfs=false --tmpfs /tmp:rw,size=16m,mode=1777
  --pull=never --env "ROLLBACKD_URL=http://127.0.0.1:$port"
  --mount "type=bind,src=$work/rollbackd.yaml,dst=/etc/rollbackd/rollbackd.yaml,ro"
  --mount "type=bind,src=$work/rules.yaml,dst=/etc/rollbackd/rules.yaml,ro" -v "$volume:/var/lib/rollbackd")
inside() { "${runs[@]}" exec "$name" "$@"; }

# Polls until it is ready; prints the milliseconds since $1.
ready_after() {
  "$python" - "$1" "http://127.0.0.1:$port/readyz" <<'PYTHON'
import sys, time, urllib.request
began, url = int(sys.argv[1]), sys.argv[2]
ask = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
while time.time() * 1000 < began + 30_000:
    try:
        with ask(url, timeout=1) as answer:
            if answer.status == 200:
                print(int(time.time() * 1000) - began)
                sys.exit(0)
    except OSError:
        time.sleep(0.02)
sys.exit("not ready within 30 s")
PYTHON
}

"${runs[@]}" volume create "$volume" >/dev/null
status=0
"${runs[@]}" run --rm "${hardened[@]}" "$image" health >/dev/null 2>&1 || status=$?
is "health where there is no daemon" 4 "$status"
"${runs[@]}" run --rm "${hardened[@]}" "$image" check --config /etc/rollbackd/rollbackd.yaml >&2 || fail "check inside"

began=$(now)
"${runs[@]}" run -d --name "$name" "${hardened[@]}" "$image" >/dev/null
ms=$(ready_after "$began") || { "${runs[@]}" logs "$name" >&2; fail "it is not ready"; }
say "ok: /readyz 200 after $ms ms"
figure start_ms "$ms"

is "uid, CapEff, NoNewPrivs, Seccomp" "10001 0000000000000000 1 2" "$(inside python -c '
import os
found = dict(line.split(":", 1) for line in open("/proc/1/status"))
print(os.getuid(), *(found[name].strip() for name in ("CapEff", "NoNewPrivs", "Seccomp")))')"
is "writing to /opt" "EROFS" "$(inside python -c '
import errno
try:
    open("/opt/x", "w")
except OSError as error:
    print(errno.errorcode[error.errno])')"
is "the state's volume" "writable" "$(inside python -c 'open("/var/lib/rollbackd/x", "w").close(); print("writable")')"
is "health" "alive" "$(inside rollbackd health)"
say "ok: $(inside rollbackd --version)"
is "the extras" "PNG" "$(inside python -W error -c '
import io
import gidgethub.aiohttp, psycopg, psycopg_pool, slack_sdk.socket_mode.aiohttp
assert psycopg.pq.__impl__ == "binary"
from matplotlib.figure import Figure
picture, file = Figure(), io.BytesIO()
picture.subplots().plot([1, 2])
picture.savefig(file, format="png")
print(file.getvalue()[1:4].decode())')"
figure rss_mb $(($(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$("${runs[@]}" inspect --format '{{.State.Pid}}' "$name")/status") / 1024))

# --- end, and begin again --------------------------------------------------------------------------------------------

inside rollbackd disarm web production --for 1h --reason "the image is looked at" >&2
began=$(now)
"${runs[@]}" stop -t 20 "$name" >/dev/null
stopped=$(($(now) - began))
is "exit status after SIGTERM" 0 "$("${runs[@]}" inspect --format '{{.State.ExitCode}}' "$name")"
[ "$stopped" -lt 10000 ] || fail "it took $stopped ms to end"
"${runs[@]}" logs "$name" 2>&1 | grep daemon.ended | grep -q true || { "${runs[@]}" logs "$name" 2>&1 | tail -n 5 >&2; fail "it did not say that it drained and ended"; }
figure stop_ms "$stopped"

began=$(now)
"${runs[@]}" start "$name" >/dev/null
figure restart_ms "$(ready_after "$began")"
inside rollbackd audit | grep -q "the image is looked at" || fail "the state did not outlive a restart"
say "ok: what was said is known after a restart"

# --- the same with its state in PostgreSQL, where DATABASE_URL names one that this machine reaches --------------------------

if [ -n "${DATABASE_URL:-}" ]; then
  "${runs[@]}" rm -f "$name" >/dev/null
  sed -i 's|^daemon:$|&\n  store: {postgresql: {dsn: {env: DATABASE_URL}}}|' "$work/rollbackd.yaml"
  began=$(now)
  "${runs[@]}" run -d --name "$name" "${hardened[@]}" --env DATABASE_URL "$image" >/dev/null
  ms=$(ready_after "$began") || { "${runs[@]}" logs "$name" >&2; fail "it is not ready with PostgreSQL"; }
  figure postgresql_start_ms "$ms"
  inside rollbackd audit | grep -q "the image is looked at" && fail "it reads the state of the volume, and not PostgreSQL's"
  inside rollbackd disarm web production --for 1h --reason "PostgreSQL is looked at" >&2
  "${runs[@]}" rm -f -v "$name" >/dev/null
  "${runs[@]}" run -d --name "$name" "${hardened[@]}" --env DATABASE_URL "$image" >/dev/null
  ready_after "$(now)" >/dev/null || { "${runs[@]}" logs "$name" >&2; fail "it is not ready after a kill"; }
  inside rollbackd audit | grep -q "PostgreSQL is looked at" || fail "what was said is not in PostgreSQL"
  say "ok: a container that was killed left its state to the next, in PostgreSQL"
fi

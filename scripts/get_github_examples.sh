#!/usr/bin/env bash
# Derives tests/deploy/sources/github/published.jsonl from the payloads of webhooks that GitHub publishes (MIT): all those of events
# that tell of deployments, and one of each other event, without what only links to elsewhere. Needs npm.
set -euo pipefail
cd "$(dirname "$0")/.."

package="@octokit/webhooks-examples@${1:-7.6.1}"
unpacked=$(mktemp -d)
trap 'rm -rf "$unpacked"' EXIT
tarball=$(cd "$unpacked" && npm pack --silent "$package")
tar -xzf "$unpacked/$tarball" -C "$unpacked"
python3 - "$unpacked/package/api.github.com/index.json" tests/deploy/sources/github/published.jsonl <<'END'
import json
import sys

OF_DEPLOYMENTS = {
    "create", "deployment", "deployment_protection_rule", "deployment_review", "deployment_status", "ping", "push",
    "release", "status", "workflow_dispatch", "workflow_job", "workflow_run",
}
LINKS = {"html_url", "log_url", "target_url", "environment_url", "deployment_callback_url"}  # that mean something
DEEP = 3  # levels of an event that is of no concern


def slim(value, deep):
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if k in LINKS or not (k.endswith("url") or k in {"node_id", "_links", "body"})}
        return {k: slim(v, deep - 1) for k, v in kept.items()} if deep else {}
    if isinstance(value, list):
        return [slim(each, deep - 1) for each in value[:1]] if deep else []
    return value


with open(sys.argv[1]) as published, open(sys.argv[2], "w") as kept:
    for event in json.load(published):
        of_concern = event["name"] in OF_DEPLOYMENTS
        for payload in event["examples"] if of_concern else event["examples"][:1]:
            line = {"event": event["name"], "payload": slim(payload, 99 if of_concern else DEEP)}
            kept.write(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n")
END
wc -l tests/deploy/sources/github/published.jsonl

#!/usr/bin/env bash
# Derives tests/fakes/github/openapi.json from GitHub's own description of its REST API (MIT): of each operation that the fake has, what it
# takes and what it tells, two levels deep. The fake holds both itself and us to it. Needs npm.
set -euo pipefail
cd "$(dirname "$0")/.."

package="@octokit/openapi@${1:-23.0.2}"
unpacked=$(mktemp -d)
trap 'rm -rf "$unpacked"' EXIT
tarball=$(cd "$unpacked" && npm pack --silent "$package")
tar -xzf "$unpacked/$tarball" -C "$unpacked" package/generated/api.github.com.json
python3 - "$unpacked/package/generated/api.github.com.json" tests/fakes/github/openapi.json <<'END'
import json
import sys

REPO = "/repos/{owner}/{repo}"
OPERATIONS = [
    ("get", f"{REPO}/deployments"),
    ("get", f"{REPO}/deployments/{{deployment_id}}"),
    ("get", f"{REPO}/deployments/{{deployment_id}}/statuses"),
    ("post", f"{REPO}/deployments/{{deployment_id}}/statuses"),
    ("get", f"{REPO}/actions/workflows/{{workflow_id}}"),
    ("get", f"{REPO}/actions/workflows/{{workflow_id}}/runs"),
    ("post", f"{REPO}/actions/workflows/{{workflow_id}}/dispatches"),
    ("get", f"{REPO}/actions/runs"),
    ("get", f"{REPO}/actions/runs/{{run_id}}"),
    ("get", f"{REPO}/actions/runs/{{run_id}}/pending_deployments"),
    ("post", f"{REPO}/actions/runs/{{run_id}}/deployment_protection_rule"),
    ("get", f"{REPO}/commits/{{ref}}/statuses"),
    ("post", f"{REPO}/statuses/{{sha}}"),
    ("get", f"{REPO}/git/ref/{{ref}}"),
    ("post", f"{REPO}/git/refs"),
    ("patch", f"{REPO}/git/refs/{{ref}}"),
    ("get", f"{REPO}/releases/latest"),
    ("get", f"{REPO}/releases/tags/{{tag}}"),
    ("patch", f"{REPO}/releases/{{release_id}}"),
]
SAYS_NOTHING = {"description", "example", "examples", "format", "title", "default", "readOnly", "deprecated"}
with open(sys.argv[1]) as published:
    described = json.load(published)


def slim(schema, deep):
    while "$ref" in schema:
        found = described
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = found
    kept = {key: value for key, value in schema.items() if key not in SAYS_NOTHING}
    nullable = kept.pop("nullable", False)
    kept.pop("required" if "properties" in kept and deep < TAKES else "", None)
    if deep <= 0:
        kept = {key: value for key, value in kept.items() if key in {"type", "enum"}}
    for several in ("anyOf", "oneOf", "allOf"):
        kept |= {several: [slim(each, deep) for each in kept[several]]} if several in kept else {}
    if "properties" in kept:
        kept["properties"] = {name: slim(each, deep - 1) for name, each in kept["properties"].items()}
    if "items" in kept:
        kept["items"] = slim(kept["items"], deep)
    if nullable and "type" in kept:
        kept["type"] = [kept["type"], "null"]
        kept |= {"enum": [*kept["enum"], None]} if "enum" in kept else {}
    return kept


TAKES, TELLS = 9, 2  # levels: of what is taken all, with what must be there
told = {}
for method, path in OPERATIONS:
    operation = described["paths"][path][method]
    found = {}
    if "requestBody" in operation:
        found["takes"] = slim(operation["requestBody"]["content"]["application/json"]["schema"], TAKES)
    for status, answer in operation["responses"].items():
        while "$ref" in answer:
            answer = described["components"]["responses"][answer["$ref"].rpartition("/")[2]]
        if status in {"200", "201"} and "content" in answer:
            found["tells"] = slim(answer["content"]["application/json"]["schema"], TELLS)
    told[f"{method.upper()} {path}"] = found
with open(sys.argv[2], "w") as kept:
    json.dump(told, kept, separators=(",", ":"), sort_keys=True)
    kept.write("\n")
END
wc -c tests/fakes/github/openapi.json

"""The small world that a measured daemon lives in: a configuration, services, and programs that tell and move what runs.

The programs are shell scripts, so that the figures are of the daemon and not of how long an interpreter takes to start.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

GOOD, BAD = "v1", "v2"

LIVE = """\
#!/bin/sh
read -r tag < "$1/current"
printf '{"tag": "%s"}\\n' "$tag"
"""

# The first thing that it does is to say when it was called.
MOVE = """\
#!/bin/sh
date +%s.%N >> "$1/moved_at"
printf '%s\\n' "$2" > "$1/current"
"""


Given = Mapping[str, str]


def build(
    folder: Path,
    port: int,
    services: Mapping[str, Given],
    rules: object,
    daemon: Mapping[str, object] = MappingProxyType({}),
    **policy: object,
) -> None:
    """Write ``rollbackd.yaml`` with all that it names; every service runs `GOOD`.

    Args:
        folder: Where to write; the store will be there too.
        port: Where the daemon listens.
        services: What the rules are given, by the name of the service; each is in the environment ``production``.
        rules: The one rule file, as data.
        daemon: More keys of ``daemon:``.
        policy: More keys of ``defaults:``.
    """
    for name, program in (("live", LIVE), ("move", MOVE)):
        (folder / name).write_text(program, encoding="ascii")
    for service in services:
        (folder / service).mkdir()
        (folder / service / "current").write_text(f"{GOOD}\n", encoding="ascii")
    where = f"{folder}/${{service}}"
    command = {
        "live": ["/bin/sh", f"{folder}/live", where],
        "move": ["/bin/sh", f"{folder}/move", where, "${tag}"],
    }
    _write(folder / "rules.yaml", rules)
    _write(
        folder / "rollbackd.yaml",
        {
            "version": 1,
            "daemon": {
                "store": {"sqlite": {"path": f"{folder}/state.db"}},
                "http": {"listen": f"127.0.0.1:{port}"},
                "reach": ["127.0.0.0/8"],
                **daemon,
            },
            "defaults": {"runs_on": [{"command": command}], **policy},
            "services": {
                service: {"production": {"rules": [{"file": "rules.yaml", "with": given}]}}
                for service, given in services.items()
            },
        },
    )


def of_itself(port: int) -> object:
    """Rules for a daemon that has nothing else to look at: its own health and its own requests."""
    url = f"http://127.0.0.1:{port}"
    counted = {
        "url": f"{url}/metrics",
        "counter": "rollbackd_http_requests_total",
        "bad": {"code": "5.."},
    }
    return {
        "version": 1,
        "indicators": {
            "alive": {"probe": {"http": {"url": f"{url}/livez", "expect": {"status": 200}}}},
            "errors": {"ratio": {"scrape": counted}},
        },
        "rules": [
            _rule("alive", {"threshold": {"bad": 3, "of": 5}}),
            _rule("errors", {"slo": {"objective": "99.9%"}}),
        ],
    }


def both_versions() -> object:
    """The rule that tells the new release from the old one, by a page that is scraped every second."""
    counted = {
        "url": "${page}",
        "every": "1s",
        "counter": "http_requests_total",
        "where": {"version": "${arm.version}"},
        "bad": {"code": "5.."},
    }
    return {
        "version": 1,
        "parameters": {"page": {}},
        "indicators": {"errors": {"ratio": {"scrape": counted}}},
        "rules": [_rule("errors", {"canary_vs_baseline": {"ratio": 1.5, "plus": "0.05%"}})],
    }


def _rule(indicator: str, judge: object) -> object:
    return {"name": indicator, "indicator": indicator, "judge": judge, "on_breach": "rollback"}


def _write(path: Path, data: object) -> None:
    """JSON is YAML."""
    path.write_text(json.dumps(data, indent=1), encoding="utf-8")

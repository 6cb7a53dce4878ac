"""All kinds of mirrors: a reader sees them on one screen. A new one is its file, one line here, one contract test."""

from collections.abc import Mapping
from typing import Any

from deploy.mirrors import ecr, git, github_release, ssm, tags
from deploy.mirrors.mirror import Kind

MIRRORS: Mapping[str, Kind[Any]] = {
    "ecr": ecr.KIND,
    "git": git.KIND,
    "github_release": github_release.KIND,
    "ssm": ssm.KIND,
    "tags": tags.KIND,
}

# Kinds that the design knows and this version does not have: "not in this version", never a misspelling.
LATER: Mapping[str, str] = {}

"""What GitHub tells of people, repositories and its own addresses besides what a story is about: as it is published."""

import zlib
from typing import Any

_BORN = "2024-05-06T07:08:09Z"
_OF_A_PERSON = (
    *("followers", "following", "gists", "starred", "subscriptions", "organizations", "repos", "events"),
    "received_events",
)
_OF_A_REPOSITORY = (
    *(
        "archive",
        "assignees",
        "blobs",
        "branches",
        "collaborators",
        "comments",
        "commits",
        "compare",
        "contents",
    ),
    *(
        "contributors",
        "deployments",
        "downloads",
        "events",
        "forks",
        "git_commits",
        "git_refs",
        "git_tags",
        "hooks",
    ),
    *("issue_comment", "issue_events", "issues", "keys", "labels", "languages", "merges", "milestones"),
    *("notifications", "pulls", "releases", "stargazers", "statuses", "subscribers", "subscription", "tags"),
    *("teams", "trees"),
)
_COUNTED = (
    *("forks", "forks_count", "open_issues", "open_issues_count", "size", "stargazers_count", "watchers"),
    "watchers_count",
)


def api(host: str) -> str:
    """Where the REST API of *host* is."""
    return f"https://api.{host}"


def person(login: str, host: str = "github.com") -> dict[str, Any]:
    """A user, a bot or an organisation."""
    url = f"{api(host)}/users/{login.replace('[', '%5B').replace(']', '%5D')}"
    return {
        "login": login,
        "id": zlib.crc32(login.encode()),
        "node_id": f"U_{login}",
        "avatar_url": f"{url}/avatar",
        "gravatar_id": "",
        "url": url,
        "html_url": url.replace("api.", "", 1).replace("/users/", "/"),
        **{f"{name}_url": f"{url}/{name}" for name in _OF_A_PERSON},
        "type": "Bot" if login.endswith("[bot]") else "User",
        "site_admin": False,
    }


def repository(full_name: str, number: int, host: str, *, archived: bool = False) -> dict[str, Any]:
    """A repository, as webhooks tell it."""
    owner, _, name = full_name.partition("/")
    url, page = f"{api(host)}/repos/{full_name}", f"https://{host}/{full_name}"
    return {
        "id": number,
        "node_id": f"R_{number}",
        "name": name,
        "full_name": full_name,
        "private": True,
        "owner": person(owner, host),
        "html_url": page,
        "description": None,
        "fork": False,
        "url": url,
        **{f"{each}_url": f"{url}/{each}" for each in _OF_A_REPOSITORY},
        "git_url": f"git://{host}/{full_name}.git",
        "ssh_url": f"git@{host}:{full_name}.git",
        "clone_url": f"{page}.git",
        "svn_url": page,
        **dict.fromkeys(("homepage", "language", "license", "mirror_url")),
        **dict.fromkeys(_COUNTED, 0),
        **dict.fromkeys(("has_issues", "has_projects", "has_wiki", "has_downloads"), True),
        **dict.fromkeys(("has_pages", "has_discussions", "disabled"), False),
        "archived": archived,
        "default_branch": "main",
        "visibility": "private",
        "topics": [],
        "created_at": _BORN,
        "updated_at": _BORN,
        "pushed_at": _BORN,
    }


def actions(host: str = "github.com") -> dict[str, Any]:
    """The app that runs workflows."""
    return {
        "id": 15368,
        "slug": "github-actions",
        "node_id": "A_15368",
        "owner": person("github", host),
        "name": "GitHub Actions",
        "description": "Automate your workflow from idea to production",
        "external_url": "https://help.github.com/en/actions",
        "html_url": f"https://{host}/apps/github-actions",
        "created_at": _BORN,
        "updated_at": _BORN,
        "permissions": {"deployments": "write"},
        "events": [],
    }

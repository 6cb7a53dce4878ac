"""What Sentry tells of an organisation, a project, a release and an issue besides what a story is about: as it is published."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

_BORN = "2024-05-06T07:08:09.000000Z"
_USED = (
    *(
        "Feedbacks",
        "Flags",
        "MinifiedStackTrace",
        "Monitors",
        "NewFeedbacks",
        "Profiles",
        "Replays",
        "Sessions",
    ),
    *(
        "InsightsHttp",
        "InsightsDb",
        "InsightsAssets",
        "InsightsAppStart",
        "InsightsScreenLoad",
        "InsightsVitals",
    ),
    *("InsightsCaches", "InsightsQueues", "InsightsAgentMonitoring", "InsightsMCP", "Logs", "TraceMetrics"),
    "UserReports",
)
_TEAM = {"id": "2", "slug": "shop", "name": "shop"}


def organization(slug: str) -> dict[str, Any]:
    """The organisation."""
    address = f"https://{slug}.sentry.io"
    return {
        "id": "1",
        "slug": slug,
        "status": {"id": "active", "name": "active"},
        "name": "Shop",
        "dateCreated": _BORN,
        "isEarlyAdopter": False,
        "require2FA": False,
        "avatar": {"avatarType": "letter_avatar", "avatarUuid": None, "avatarUrl": None},
        "links": {"organizationUrl": address, "regionUrl": "https://de.sentry.io"},
        "hasAuthProvider": False,
        "allowMemberInvite": True,
        "allowMemberProjectCreation": True,
        "allowSuperuserAccess": False,
    }


def project(slug: str, number: int) -> dict[str, Any]:
    """One of a list."""
    return {
        "id": str(number),
        "slug": slug,
        "name": slug,
        "platform": "python",
        "platforms": ["python"],
        "dateCreated": _BORN,
        "isBookmarked": False,
        "isMember": True,
        "features": [],
        "firstEvent": _BORN,
        "firstTransactionEvent": True,
        "access": ["project:read"],
        "hasAccess": True,
        **{f"has{name}": name == "Sessions" for name in _USED},
        "team": _TEAM,
        "teams": [_TEAM],
        "environments": ["production"],
        "latestRelease": None,
    }


def _release(version: str) -> dict[str, Any]:
    return {
        "version": version,
        "shortVersion": version.rpartition("@")[2],
        "newGroups": 0,
        "commitCount": 0,
        "deployCount": 0,
        "data": {},
        "authors": [],
    }


def release(version: str, projects: Mapping[str, int]) -> dict[str, Any]:
    """One that was asked for by its name; *projects*: their numbers, by slug."""
    return {
        **_release(version),
        "id": 123456,
        "status": "open",
        "versionInfo": None,
        "projects": [
            {
                "id": number,
                "slug": slug,
                "name": slug,
                "platform": "python",
                "platforms": ["python"],
                "hasHealthData": True,
                "newGroups": 0,
            }
            for slug, number in projects.items()
        ],
    }


def listed_release(version: str, slugs: Iterable[str]) -> dict[str, Any]:
    """One of a list, or one that was just made."""
    unknown = ("dateReleased", "firstEvent", "lastEvent", "lastCommit", "lastDeploy", "owner", "ref", "url")
    return {
        **_release(version),
        **dict.fromkeys(unknown),
        "dateCreated": _BORN,
        "projects": [{"slug": slug, "name": slug} for slug in slugs],
    }


def issue(
    number: int, slug: str, project_number: int, status: int, times: Sequence[datetime]
) -> dict[str, Any]:
    """One that is what answers with *status* leave behind, at *times*."""
    unknown = (
        *("logger", "priorityLockedAt", "seerFixabilityScore", "seerAutofixLastTriggered"),
        *("subscriptionDetails", "filtered"),
    )
    began = _written(min(times))
    nothing = ("annotations", "pluginActions", "pluginIssues", "integrationIssues", "sentryAppIssues")
    title = f"HTTP {status}"
    return {
        **dict.fromkeys(unknown),
        **{name: [] for name in nothing},
        "id": str(number),
        "shortId": f"{slug.upper()}-{status}",
        "title": title,
        "shareId": "5fb1a2c3",
        "assignedTo": {"type": "team", "id": _TEAM["id"], "name": _TEAM["name"]},
        "inbox": {"reason": 0, "reason_details": None, "date_added": began},
        "owners": {"type": "ownershipRule", "owner": f"team:{_TEAM['id']}", "date_added": began},
        "culprit": "checkout.views in pay",
        "permalink": f"https://shop.sentry.io/issues/{number}/",
        "level": "error",
        "status": "unresolved",
        "statusDetails": {},
        "substatus": "new",
        "isPublic": False,
        "platform": "python",
        "priority": "high",
        "project": {"id": str(project_number), "slug": slug, "name": slug, "platform": "python"},
        "type": "error",
        "issueType": "error",
        "issueCategory": "error",
        "metadata": {"title": title},
        "numComments": 0,
        "isBookmarked": False,
        "isSubscribed": False,
        "hasSeen": False,
        "isUnhandled": status == 500,
        "count": str(len(times)),
        "userCount": 0,
        "firstSeen": began,
        "lastSeen": _written(max(times)),
        "stats": {},
        "lifetime": {},
        "sessionCount": 0,
        "latestEventHasAttachments": False,
    }


def _written(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")

"""Does Sentry know what is asked for? A wrong name looks like silence, so silence is looked into.

Slugs of projects are turned into numbers, as the endpoints want them; releases are names that are global in an
organisation, and that the SDK sends: the one that the pipeline made up may differ (``checkout@1.4.2+ab12``).
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import quote

from deploy.model import About
from rules.sample import Invalid, Who
from watcher.signals.sentry import answer as answers
from watcher.signals.sentry.answer import Failed, Next, Trouble
from watcher.signals.sentry.line import Line
from watcher.signals.unknown import Unknown

AGAIN = timedelta(minutes=10)  # before projects are listed anew for one that was not there
MOST_LISTED = 100  # releases, the newest first
MOST_KNOWN = 10_000  # releases: some months of many deployments a day, and a few MB
_NEAR = 0.6  # as difflib measures it


class Names:
    """What is known of projects and releases; neither goes away."""

    def __init__(self, line: Line, most_known: int = MOST_KNOWN) -> None:
        self._line = line
        self._most_known = most_known
        self._projects: dict[str, int] = {}
        self._listed_at: datetime | None = None
        self._releases: dict[tuple[int, str], None] = {}  # in the order in which they were asked about last

    async def projects(self, wanted: Iterable[str], until: float) -> Mapping[str, int | Trouble]:
        """The number of each project that is *wanted*, by its slug or number; or why there is none."""
        wanted = set(wanted)
        slugs = {each for each in wanted if not each.isdigit()}
        trouble: Trouble | None = None
        if slugs - self._projects.keys() and self._may_list():
            trouble = await self._list(until)
        found: dict[str, int | Trouble] = {each: int(each) for each in wanted - slugs}
        for slug in slugs:
            found[slug] = self._projects.get(slug) or trouble or self._no_project(slug)
        return found

    def _may_list(self) -> bool:
        return self._listed_at is None or self._line.now() - self._listed_at >= AGAIN

    async def _list(self, until: float) -> Trouble | None:
        pages = await self._line.pages("projects/", (("per_page", "100"),), until)
        if isinstance(pages, Failed):
            return _too_many(pages.trouble) if pages.next is Next.SIZE else pages.trouble
        for page in pages:
            listed = answers.checked(answers.PROJECTS, page.content, self._line.where)
            if isinstance(listed, Failed):
                return listed.trouble
            self._projects |= {project.slug: project.id for project in listed}
        self._listed_at = self._line.now()
        return None

    def _no_project(self, slug: str) -> Invalid:
        near = difflib.get_close_matches(slug, self._projects, 1, _NEAR)
        meant = f"did you mean {near[0]}?" if near else "or the token may not see it"
        return Invalid(Who.AUTHOR, f"{self._line.where} has no project {slug}: {meant}")

    async def release(self, project: int, release: str, until: float) -> bool | Trouble:
        """Whether Sentry knows *release* in *project*."""
        if self._remembers(project, release):
            return True
        page = await self._line.ask(f"releases/{quote(release, safe='')}/", (), until)
        if isinstance(page, Failed):
            return False if page.missing else page.trouble
        told = answers.checked(answers.RELEASE, page.content, self._line.where)
        if isinstance(told, Failed):
            return told.trouble
        known = any(each.id == project for each in told.projects)
        if known:
            self._releases[project, release] = None
            for oldest in list(self._releases)[: -self._most_known]:
                del self._releases[oldest]
        return known

    def _remembers(self, project: int, release: str) -> bool:
        """It was found before; of more than are kept, those that nobody asks about any more are forgotten."""
        if (project, release) not in self._releases:
            return False
        self._releases[project, release] = self._releases.pop((project, release))
        return True

    async def unknown(self, project: int, release: str, until: float) -> Unknown | None:
        """That Sentry has no such release, and what may have been meant; ``None``: it has, or nobody says."""
        known = await self.release(project, release, until)
        if known is not False:
            return None
        listing = (("project", str(project)), ("per_page", str(MOST_LISTED)))
        page = await self._line.ask("releases/", listing, until)
        listed = (
            page
            if isinstance(page, Failed)
            else answers.checked(answers.RELEASES, page.content, self._line.where)
        )
        if isinstance(listed, Failed):
            return None
        near = nearest(release, [each.version for each in listed])
        return Unknown(About.RELEASE, f"{self._line.where}: no release {release}; {near}")


def _too_many(trouble: Trouble) -> Trouble:
    return replace(trouble, words=f"{trouble.words}; or write the project's number instead of its slug")


def nearest(release: str, known: list[str]) -> str:
    """The release that is most like *release*: the same with a build behind it, before what is merely spelt alike."""
    built = [each for each in known if each.startswith(f"{release}+")]
    behind = [each for each in known if each.endswith((f"@{release}", release)) and each != release]
    like = difflib.get_close_matches(release, known, 1, _NEAR)
    near = (*built, *behind, *like)
    return f"nearest: {near[0]}" if near else f"the newest are {', '.join(known[:3]) or 'none'}"

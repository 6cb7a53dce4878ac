"""Which release an announcement means: by what the platform shows, never by something newer than what was announced.

An event of ECS names its deployment by an id alone, and ECS shows a deployment only while it has tasks, some moments late.
So an id that is not shown is asked for again, until it is certain that it is over: it was seen, and a younger one is
there now; ECS's own words in the same answer speak of it; or it did not show for a minute.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from deploy.model import Gone, Release, Unreadable
from deploy.target import with_hints
from deploy.targets.aws.hinting import NAMES, goes_by, wanted
from deploy.targets.aws.keeping import Kept
from deploy.targets.ecs.definition import tag_of
from deploy.targets.ecs.looking import Untold, View

SHOWS_WITHIN = timedelta(minutes=1)  # reads of ECS are late by seconds
KEPT = 64  # deployments of one service
DEPLOYMENT = "deployment"  # the hint with the id of the event


@dataclass
class Seen:
    """Which deployments of one service were seen when, or looked for in vain since when."""

    _created: Kept[str, datetime] = field(default_factory=lambda: Kept(KEPT))
    _missed: Kept[str, datetime] = field(default_factory=lambda: Kept(KEPT))

    def note(self, view: View) -> None:
        """What *view* shows was seen."""
        for rollout in view.service.rollouts:
            self._created.keep(rollout.id, rollout.created)

    def is_over(self, id: str, view: View, now: datetime) -> bool:
        """The deployment *id*, which *view* does not show, is over."""
        created, primary = self._created.get(id), view.service.primary
        if created is not None and primary is not None and primary.created > created:
            return True
        spoken_of = re.compile(rf"{re.escape(id)}(?![\w-])")
        if any(spoken_of.search(message) for _, message in view.service.events):
            return True
        since = self._missed.get(id) or self._missed.keep(id, now)
        return now >= since + SHOWS_WITHIN


def resolve(view: View, hints: Mapping[str, str], seen: Seen, now: datetime) -> Release | Unreadable | Gone:
    """The release that *hints* mean; with none, what is coming, else what serves."""
    if DEPLOYMENT in hints:
        found = _of_deployment(view, hints[DEPLOYMENT], seen, now)
    elif hints.keys() & set(NAMES):
        found = _of_names(view, hints)
    else:
        found = view.ahead or Unreadable("nothing runs, and nothing is on its way")
    if isinstance(found, Untold):
        return Unreadable(found.words, found.awaited)
    if isinstance(found, Release):
        return with_hints(found, hints)
    return found


def _of_deployment(view: View, id: str, seen: Seen, now: datetime) -> Release | Untold | Unreadable | Gone:
    for rollout in view.service.rollouts:
        if rollout.id == id:
            return view.releases[id]
    if seen.is_over(id, view, now):
        return Gone(f"the deployment {id[:80]} is over, and another has its place")
    return Unreadable(f"ECS does not show the deployment {id[:80]} yet", awaited=True)


def _of_names(view: View, hints: Mapping[str, str]) -> Release | Untold | Unreadable:
    """What runs and goes by the names that were hinted; what is coming first."""
    service = view.service
    first = [each for each in (service.coming, service.serving) if each is not None]
    for rollout in dict.fromkeys((*first, *service.rollouts)):
        release = view.releases[rollout.id]
        if isinstance(release, Untold):
            if hints.get("tag") in {tag_of(rollout.definition), rollout.definition}:
                return release
        elif _goes_by(release, rollout.definition, hints):
            return release
    return Unreadable(f"{wanted(hints)} does not run yet")


def _goes_by(release: Release, arn: str, hints: Mapping[str, str]) -> bool:
    """A version alone must be the one of the image."""
    versions = {release.names[name] for name in ("version", "image_tag") if name in release.names}
    return goes_by(release, hints, {release.tag, arn}, versions)

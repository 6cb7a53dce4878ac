"""What a move would do, before it is made: the call, how long, and what stands in its way. Reads only."""

from dataclasses import dataclass
from http import HTTPStatus

from deploy.errors import BadValue
from deploy.model import Foretold, Level, Move, Refused, Unreadable
from deploy.target import Place
from deploy.targets.github_actions.examining import examine
from deploy.targets.github_actions.looking import View
from deploy.targets.github_actions.moving import by_hand, decide, order
from deploy.targets.github_actions.reading import Reader, Unread
from deploy.targets.github_actions.settings import Settings

TAKES = "as long as a run of the workflow takes, with its wait for a runner and for whoever must approve"
NO_CAS = "GitHub has no compare-and-set: a deployment that somebody begins in the same moment runs too, after or before it"
CAPACITY = "what the workflow takes away while it deploys: GitHub knows nothing of what runs"
SESSIONS = "what the workflow does with them: the same as at each of its deployments"
FORETOLD = "foretold"


async def foretell(
    reader: Reader, view: View | Unreadable, move: Move, settings: Settings, place: Place
) -> Foretold:
    """What would follow if *move* were made now."""
    line = by_hand(settings, place, move)
    try:
        would = order(settings, place, move, FORETOLD)
    except BadValue as error:
        return Foretold(calls=(), by_hand=line, obstacles=(f"{error}; {error.remedy}",))
    said = view.words if isinstance(view, Unreadable) else _refusal(view, settings, place, move)
    found = await examine(reader, settings, settings.ref or move.to.tag)
    elsewhere = await moved(reader, settings, move)
    in_the_way = (
        said,
        elsewhere.words,
        *(
            f"{each.words}: {each.remedy}" if each.remedy else each.words
            for each in found
            if each.level is Level.FAIL
        ),
    )
    return Foretold(
        calls=(would.told(),),
        takes=f"{TAKES}. {NO_CAS}",
        capacity=CAPACITY,
        sessions=SESSIONS,
        by_hand=line,
        obstacles=tuple(dict.fromkeys(words for words in in_the_way if words)),
        gone=(elsewhere.words,) if elsewhere.is_gone else (),
        unread=bool(elsewhere.words) and not elsewhere.is_gone,
    )


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Why a tag of git is not what it was when its release served; no words where it is.

    Attributes:
        is_gone: That is certain.
        is_unread: GitHub did not answer, or not now: it may be asked again.
    """

    words: str = ""
    is_gone: bool = False
    is_unread: bool = False


async def moved(reader: Reader, settings: Settings, move: Move) -> Elsewhere:
    """Whether the wanted tag is what it was; where no commit is known, there is nothing to compare.

    A tag of git can be moved, and a branch does by itself: the workflow would deploy something else under that name.
    """
    tag, was = move.to.tag, move.to.fingerprint
    if settings.ref is not None or move.to.is_only_a_tag:
        return Elsewhere()
    try:
        now = await reader.commit(settings.repository, tag)
    except Unread as error:
        gone = error.status == HTTPStatus.UNPROCESSABLE_ENTITY  # 404 may as well be want of a permission
        return Elsewhere(
            f"whether {tag} is still the release that it was cannot be read: {error}", gone, error.is_passing
        )
    if now == was:
        return Elsewhere()
    return Elsewhere(
        f"{tag} points to {now[:12]} now, and was {was[:12]} when it served: it is another release,"
        " or a branch; deploy by tags that are not moved",
        is_gone=True,
    )


def _refusal(view: View, settings: Settings, place: Place, move: Move) -> str:
    decided = decide(view, settings, place, move, FORETOLD)
    return decided.words if isinstance(decided, Refused) and decided.third_tag is None else ""

"""What a person can do about a trouble: what whoever asked knows of it, else what is usual for whoever must act."""

from collections.abc import Mapping

from deploy.model import About, Finding, Level
from rules.sample import Invalid, Unavailable, Who


def remedy_of(trouble: Unavailable | Invalid, usual: Mapping[Who, str]) -> str:
    """One sentence, for ``rollbackd doctor``. *usual*: by who must act."""
    return trouble.remedy or usual[trouble.who]


def failing(
    trouble: Unavailable | Invalid,
    about: About,
    usual: Mapping[Who, str],
    mends: Mapping[About, str],
    of: str = "",
) -> Finding:
    """That a system does not answer as it should.

    Args:
        trouble: How.
        about: Which question that answers.
        usual: What mends it, by who must act.
        mends: The same where it is known what it is about, and says more.
        of: What was asked for, before its words.
    """
    usual = dict.fromkeys(Who, mends[about]) if about in mends else usual
    return Finding(Level.FAIL, f"{of}{trouble.words}", remedy_of(trouble, usual), about)

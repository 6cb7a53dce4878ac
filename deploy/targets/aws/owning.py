"""Who else writes a resource, by its tags. Pure.

Source:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html (tags that CloudFormation lays itself)
"""

from collections.abc import Iterator, Mapping

from deploy.model import About, Finding, Level
from deploy.targets.aws.wording import plain

STACK = "aws:cloudformation:stack-name"


def of_a_stack(tags: Mapping[str, str], what: str) -> Iterator[Finding]:
    """That *what* was made by a stack of CloudFormation, which does not hear of a rollback."""
    if name := tags.get(STACK):
        yield Finding(
            Level.WARN,
            f"{what} is made by the stack {plain(name, 128)} of CloudFormation: when that is updated next it may bring back what its template"
            " says, after a rollback too",
            "leave out of the template which release serves, and have your pipeline say it; or see that a rollback is written into the template",
            about=About.OWNER,
        )

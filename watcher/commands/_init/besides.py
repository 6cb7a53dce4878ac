"""What services are said of elsewhere besides: how each watch stands, and which release is known-good."""

from collections.abc import Sequence
from dataclasses import dataclass

import click

from deploy.mirrors.naming import PREFIX
from deploy.mirrors.tags import KEY, own
from watcher.commands._init.names import Names
from watcher.commands._init.options import option
from watcher.commands._init.policies import Document, allow
from watcher.notify.ssm.settings import USUAL as VERDICT

KNOWN_GOOD = "/rollbackd/${service}/${environment}/known-good"
OF_ITS_NAME = "${service}"  # a repository that is called as the service


@dataclass(frozen=True, slots=True)
class Besides:
    """What was asked for; by default nothing.

    Attributes:
        verdicts: How each watch stands, in parameters of Systems Manager.
        mirrors: Where the known-good release is said: ``ssm``, ``ecr``, ``tags``.
        repository: Of the images, for ``ecr``; may have ``${service}`` and ``${environment}`` in it.
        tagged: ARN of what is tagged, for ``tags``; the stack says it, with the same names in it.
    """

    verdicts: bool = False
    mirrors: tuple[str, ...] = ()
    repository: str = OF_ITS_NAME
    tagged: str = ""

    def read(self, names: Names, services: Sequence[tuple[str, str]]) -> list[Document]:
        """What the role to read needs for it."""
        found: list[Document] = []
        if self.verdicts:  # of all services: `rollbackd doctor` tries it by a name that is nobody's
            found.append(
                allow("ReadVerdicts", ["ssm:GetParameter"], [_parameter(names, VERDICT, ("*", "*"))])
            )
        if "ssm" in self.mirrors:
            found.append(allow("ReadMirrors", ["ssm:GetParameter"], _parameters(names, KNOWN_GOOD, services)))
        if "ecr" in self.mirrors:
            found.append(allow("ReadImagesToTag", ["ecr:BatchGetImage"], self._repositories(names, services)))
        if "tags" in self.mirrors:
            found.append(allow("SeeTagsNoNarrowerResource", ["tag:GetResources"], ["*"]))
        return found

    def act(self, names: Names, services: Sequence[tuple[str, str]]) -> list[Document]:
        """What the role to act needs for it: these parameters by name, and tags in these repositories."""
        found: list[Document] = []
        if self.verdicts:
            found.append(allow("WriteVerdicts", ["ssm:PutParameter"], _parameters(names, VERDICT, services)))
        if "ssm" in self.mirrors:
            found.append(
                allow("WriteMirrors", ["ssm:PutParameter"], _parameters(names, KNOWN_GOOD, services))
            )
        if "ecr" in self.mirrors:
            found.append(allow("TagImages", ["ecr:PutImage"], self._repositories(names, services)))
        if "tags" in self.mirrors:
            keys = {"ForAllValues:StringLike": {"aws:TagKeys": [KEY]}}
            arns = self.resources(services)
            # This alone changes nothing: what is tagged is up to the second.
            found.append(allow("TagByTheTaggingApiNoNarrowerResource", ["tag:TagResources"], ["*"]))
            found.append(allow("TagWhatTheServicesAre", [own(self.tagged)], arns, keys))
        return found

    def resources(self, services: Sequence[tuple[str, str]]) -> list[str]:
        """The ARNs of what is tagged."""
        return list(dict.fromkeys(_filled(self.tagged, *each) for each in services))

    def _repositories(self, names: Names, services: Sequence[tuple[str, str]]) -> list[str]:
        found = (_filled(self.repository, *each) for each in services)
        return [names.arn("ecr", f"repository/{each}") for each in dict.fromkeys(found)]

    # ------------------------------------------------------------------------------------- pieces of the configuration

    @property
    def but(self) -> str:
        """What is changed on AWS in shadow."""
        return " but the parameters with verdicts" if self.verdicts else ""

    @property
    def alone(self) -> str:
        """By what right."""
        return "" if self.verdicts else ", with the role to read alone"

    @property
    def off(self) -> str:
        """Before the role to act: verdicts are written with it in shadow too, and all else needs none yet."""
        return "" if self.verdicts else "# "

    @property
    def why(self) -> str:
        """What the role to act is for."""
        usual = "for `ask` and `auto`; assumed only to act"
        return f"{usual}, and to write verdicts, in shadow too" if self.verdicts else usual

    @property
    def connections(self) -> str:
        """The connection that writes verdicts."""
        if not self.verdicts:
            return ""
        comment = "# how each watch stands, for runners without a way in: `rollbackd wait --ssm`"
        return f"connections:                               {comment}\n  verdicts: {{ssm: {{account: main}}}}\n\n"

    @property
    def tell(self) -> str:
        """Who is told, of a team."""
        return ", tell: [verdicts]" if self.verdicts else ""

    @property
    def mirror(self) -> str:
        """Under ``defaults``."""
        if not self.mirrors:
            return ""
        of_service = "" if OF_ITS_NAME in self.repository else "${service}-"
        lines = {
            "ssm": f'{{ssm: {{parameter: "{KNOWN_GOOD}"}}}}',
            "ecr": f'{{ecr: {{repository: "{self.repository}", tag: "{PREFIX}-{of_service}${{environment}}"}}}}',
            "tags": f'{{tags: {{resource: "{self.tagged}"}}}}',
        }
        comment = "# where the known-good release is said besides; not in shadow"
        listed = "".join(f"\n    - {lines[each]}" for each in self.mirrors)
        return f"\n  mirror:                                  {comment}{listed}"


NOTHING = Besides()


def _parameters(names: Names, template: str, services: Sequence[tuple[str, str]]) -> list[str]:
    return [_parameter(names, template, each) for each in services]


def _parameter(names: Names, template: str, service: tuple[str, str]) -> str:
    return names.arn("ssm", f"parameter{_filled(template, *service)}")


def _filled(template: str, service: str, environment: str) -> str:
    """As configuration fills it in; here also with ``*``, as a policy has it."""
    return template.replace("${service}", service).replace("${environment}", environment)


def mirrored(*kinds: str) -> click.Option:
    """The mirrors that a stack can have."""
    return click.Option(
        ["--mirror", "mirrors"],
        type=click.Choice(kinds),
        multiple=True,
        callback=lambda _ctx, _parameter, given: tuple(dict.fromkeys(given)),
        help="Where the known-good release is said besides; repeat it.",
    )


VERDICTS = click.Option(
    ["--verdicts"],
    is_flag=True,
    help="Write how each watch stands into parameters of Systems Manager, for runners without a way in.",
)
OPTIONS = (VERDICTS, mirrored("ssm"))
TAGGED = (VERDICTS, mirrored("ssm", "tags"))
OF_IMAGES = (
    VERDICTS,
    mirrored("ssm", "ecr", "tags"),
    option(
        "--repository",
        default=OF_ITS_NAME,
        like=(
            r"(?:[a-z0-9]|\$\{(?:service|environment)\})(?:[a-z0-9._/-]|\$\{(?:service|environment)\}){0,200}",
            "the name of a repository of ECR, with ${service} and ${environment} where they belong",
        ),
        help="With --mirror ecr: the repository of the images.",
    ),
)

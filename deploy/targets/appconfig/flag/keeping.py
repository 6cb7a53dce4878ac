"""What AppConfig remembers of one flag, and how its releases stand: as tags of the deployments that brought them."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from deploy.model import Recalled, Standing
from deploy.ports import AwsAccount
from deploy.targets.appconfig.flag.looking import FlagReader, FlagView, is_alike
from deploy.targets.appconfig.keeping import NEWEST, Remembered, recalled, remembered
from deploy.targets.appconfig.settings import deployment_arn
from deploy.targets.aws.split import NOBODY


async def recall(
    reader: FlagReader, view: FlagView, account: AwsAccount, key: str, now: datetime
) -> Recalled:
    """What is remembered. *key*: of our marks. May raise `AwsRefused`."""
    past: list[Remembered] = []
    before = NOBODY
    for each in reversed(view.found.past[:NEWEST]):
        split = await reader.split(each)
        if isinstance(split, str) or not split.parts:
            continue  # a version in which the flag was not there yet
        arn = deployment_arn(reader.settings, account, each.number)
        whole = split.alone is not None
        found = await remembered(reader.of, each, split.parts[-1][0], arn, key, whole=whole)
        # What leaves the flag as it was, was moved for another one.
        past.append(replace(found, trace=None) if is_alike(split, before) else found)
        if each.serves:
            before = split
    # A step forward to the whole settles nothing: what has everything by it is watched still.
    trace = view.trace
    is_back = trace is not None and not trace.forward
    return recalled(past, now, is_moved=view.split.coming is not None or is_back)


async def writing(
    reader: FlagReader, view: FlagView, standings: Iterable[Standing], account: AwsAccount
) -> Mapping[str, Standing]:
    """Which deployment is to say how which release stands, by its ARN: the newest that brought it. May raise `AwsRefused`."""
    found: dict[str, Standing] = {}
    wanted = list(standings)
    for each in view.found.past[:NEWEST]:
        split = await reader.split(each)
        arn = deployment_arn(reader.settings, account, each.number)
        if isinstance(split, str) or not split.parts or arn is None:
            continue
        brought = next((one for one in wanted if one.release.is_same_as(split.parts[-1][0])), None)
        if brought is not None:
            found[arn] = brought
            wanted.remove(brought)
    return found

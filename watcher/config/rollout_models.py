"""What may stand under `rollout:`."""

import itertools
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from rules.duration import Share
from rules.errors import Malformed
from watcher.config.models import Lasting, Strictly
from watcher.core.service import Hooks, Rollout, Unseen, WarmUp

LEAST_SHARE = 0.001  # a weight of a thousand: platforms know no smaller one


def _stage_share(value: float) -> float:
    if not LEAST_SHARE <= value <= 1:
        raise Malformed("a share between 0.1% and 100%", remedy="write 5%")
    return value


class StageModel(Strictly):
    """See `Stage`."""

    share: Annotated[Share, AfterValidator(_stage_share)]
    bake: Lasting | None = None
    at_most: Lasting | None = None


class StageBakeModel(Strictly):
    """How long a stage of a rollout is looked at; see `Rollout`."""

    at_least: Lasting = Rollout().at_least
    at_most: Lasting = Rollout().at_most


class WarmUpModel(Strictly):
    """See `WarmUp`."""

    probe: Annotated[str, Field(min_length=1)] | None = None
    answers: Annotated[int, Field(ge=1, le=1000)] = WarmUp().answers
    instances: Annotated[int, Field(ge=1, le=1000)] = WarmUp().instances
    within: Lasting = WarmUp().within


class RolloutModel(Strictly):
    """See `Rollout`."""

    hooks: Hooks = Rollout().hooks
    stages: Annotated[tuple[StageModel, ...], Field(max_length=20)] = ()
    bake: StageBakeModel = StageBakeModel()
    forward: Literal["ask", "auto"] | None = None
    before_traffic: Unseen = Rollout().before_traffic
    warm_up: WarmUpModel | None = None

    @model_validator(mode="after")
    def _grows_to_the_whole(self) -> Self:
        shares = [each.share for each in self.stages]
        if shares and (len(shares) == 1 or shares[-1] < 1):
            raise Malformed(
                "the last of several stages has all the traffic",
                remedy="write stages: [{share: 5%}, {share: 25%}, {share: 100%}]",
            )
        if any(after - before < LEAST_SHARE for before, after in itertools.pairwise(shares)):
            raise Malformed(
                "each stage has a larger share than the one before it", remedy="put them in order"
            )
        return self

    @model_validator(mode="after")
    def _ends_after_it_began(self) -> Self:
        for stage in (None, *self.stages):
            least = (stage and stage.bake) or self.bake.at_least
            if least > ((stage and stage.at_most) or self.bake.at_most):
                raise Malformed(
                    "a stage that bakes for longer than it may take",
                    remedy="write a longer `at_most`, or a shorter `bake`",
                )
        return self

    @model_validator(mode="after")
    def _warms_up_what_it_begins(self) -> Self:
        if self.warm_up is not None and not self.stages:
            raise Malformed(
                "`warm_up` is of a rollout that rollbackd begins, and there are no stages",
                remedy="write stages: [{share: 5%}, {share: 100%}], or remove `warm_up`",
            )
        return self

    @model_validator(mode="after")
    def _is_moved_by_one(self) -> Self:
        if self.stages and self.hooks is Hooks.ANSWER:
            raise Malformed(
                "both the platform and rollbackd would move the traffic",
                remedy="write `hooks: answer` where the platform has hooks, or `stages` where rollbackd shares out",
            )
        return self

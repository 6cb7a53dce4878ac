"""What the caller knows of providers, since `rules` knows no provider."""

from collections.abc import Mapping
from dataclasses import dataclass

from rules.model import Kind


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a rule file may refer to.

    Attributes:
        providers: Kinds of indicator that each kind of provider can measure.
        later: Kinds of provider of later versions; naming one is refused in other words than a slip of the pen.
        own_arms: Providers whose readings come split by arm, though the query does not say ``${arm.…}``.
        suites: Providers whose query is a list of steps, which may be written alone: ``{steps: […]}`` is short for
            ``{steps: {steps: […]}}``. In these ``${step.NAME}`` and ``${secret.NAME}`` are the provider's.
    """

    providers: Mapping[str, frozenset[Kind]]
    later: frozenset[str] = frozenset()
    own_arms: frozenset[str] = frozenset()
    suites: frozenset[str] = frozenset()

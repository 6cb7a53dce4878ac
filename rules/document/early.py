"""``pass_early:`` as it is written, in a configuration and in a test of rules: what has to be proven of a release."""

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict, model_validator

from rules.brief import Margin, PassEarly
from rules.document.mistakes import Mistakes
from rules.document.parse import read_document
from rules.duration import Share
from rules.errors import InvalidRules, Malformed


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _missable(value: float) -> float:
    if not 0 < value <= 0.5:  # noqa: PLR2004 - a coin does as well
        raise Malformed("expected a probability above 0% and up to 50%", remedy="write 5%")
    return value


class WorseThanModel(_Model):
    """See `PassEarly`; beside what serves, or an objective."""

    ratio: Annotated[float, Strict(), Field(ge=1, le=1000, allow_inf_nan=False)] = 2.0
    plus: Share = 0.001

    @model_validator(mode="after")
    def _is_worse(self) -> Self:
        if self.ratio == 1 and not self.plus:
            raise Malformed(
                "no evidence shows that a release is not a little worse",
                remedy="write what would be too bad, such as {ratio: 2, plus: 0.1%}",
            )
        return self


class PassEarlyModel(_Model):
    """See `PassEarly`."""

    worse_than: WorseThanModel = WorseThanModel()
    miss_probability: Annotated[Share, AfterValidator(_missable)] = 0.05

    def value(self) -> PassEarly:
        """As the judges take it."""
        return PassEarly(Margin(self.worse_than.ratio, self.worse_than.plus), self.miss_probability)


def _switched(value: object) -> object:
    """``true`` is all of its defaults; ``off`` is as if nothing were written."""
    if value is True:
        return {}
    return None if value is False or value == "off" else value


Early = Annotated[PassEarlyModel | None, BeforeValidator(_switched)]


class _Written(_Model):
    pass_early: Early = None


def read_early(text: str, place: str) -> PassEarly | None:
    """What *text* says after ``pass_early:``; ``None`` if it is off.

    Args:
        text: YAML, such as ``true``.
        place: Where it stands, as messages give it.

    Raises:
        InvalidRules: With all that is wrong with it.
    """
    mistakes = Mistakes()
    written = mistakes.read(read_document(f"pass_early: {text}", place), _Written)
    if written is None:
        raise InvalidRules(mistakes.problems)
    return written.pass_early.value() if written.pass_early else None

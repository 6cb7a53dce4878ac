"""A rule file: text and parameters → `RuleSet`, or all that is wrong with it.

Reading goes in one direction: YAML → parameters filled in → indicators → rules → how they fit together. A query stays
what it is, for `rules` knows no provider: the caller says which there are, and reads each query with the Node given back.
"""

from rules.rulefile.catalogue import Catalogue
from rules.rulefile.reading import (
    RuleFile,
    combined,
    lint_as_far,
    lint_rules,
    opened,
    read_as_far,
    read_rules,
)

__all__ = [
    "Catalogue",
    "RuleFile",
    "combined",
    "lint_as_far",
    "lint_rules",
    "opened",
    "read_as_far",
    "read_rules",
]

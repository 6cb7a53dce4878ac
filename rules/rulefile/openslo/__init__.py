"""OpenSLO where a rule file is expected."""

from rules.rulefile.openslo.translating import is_openslo, translated

__all__ = ["is_openslo", "translated"]

"""A rule file's own tests: what its rules would say of samples that are written down. ``rollbackd test`` runs them.

Reading goes in one direction: YAML → series in a short notation → `Trial`. Running one calls what the daemon calls.
"""

from rules.trial.reading import read_trials, rules_named
from rules.trial.running import Failure, Told, run
from rules.trial.values import Trial

__all__ = ["Failure", "Told", "Trial", "read_trials", "rules_named", "run"]

"""Smoke suites: several requests in a row, with what one answers carried to the next. Kind `probe`, provider `steps`.

A run is one probe: good if every step is, and bad with the first that is not. It begins as a new visitor does, without
cookies, and has a deadline of its own. Whose it is, is told as for the provider `http`: by a version that its answers say;
a run that two releases answered is nobody's.

Secrets stand in the configuration, with where they may be sent, and a rule file has their names alone: whoever writes a
rule file can neither read one nor send it elsewhere. No word, log line or label repeats a secret, nor what was carried.
"""

from watcher.signals.steps.provider import KIND

__all__ = ["KIND"]

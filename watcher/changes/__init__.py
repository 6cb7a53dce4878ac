"""What else moved, heard of: events of a platform that are no deployment of ours → changes.

``told`` says what a change is before it is known whose it is; ``scaling``, ``settings``, ``databases``, ``platform``,
``flags`` and ``strangers`` read the events of one sort each; ``reading`` knows them all, on one screen; ``hearing`` keeps what they say.

All but ``hearing`` is pure, and raises nothing for what stands in an event: what cannot be read is nobody's. The value that
something has now is never repeated, for it may be a secret; names are.
"""

from watcher.changes.hearing import Hearing
from watcher.changes.reading import read

__all__ = ["Hearing", "read"]

"""What people read: messages, reasons, and the story of a watch. Plain text, absolute times, figures from the verdicts."""

from watcher.core.wording.notices import notice
from watcher.core.wording.reasons import ending_words, question_words, why_quarantined
from watcher.core.wording.story import story
from watcher.core.wording.text import Event

__all__ = ["Event", "ending_words", "notice", "question_words", "story", "why_quarantined"]

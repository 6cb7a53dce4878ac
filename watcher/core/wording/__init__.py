"""What people read: messages, reasons, and the story of a watch. Plain text, absolute times, figures from the verdicts."""

from watcher.core.wording.chart import Chart, Mark, chart
from watcher.core.wording.chart import Line as ChartLine
from watcher.core.wording.foreseen import foreseen, in_advance, in_words, is_blunt, refused, told_of
from watcher.core.wording.notices import notice
from watcher.core.wording.reasons import ending_words, question_words, why_quarantined
from watcher.core.wording.stages import here
from watcher.core.wording.story import headline, story
from watcher.core.wording.text import Event

__all__ = [
    "Chart",
    "ChartLine",
    "Event",
    "Mark",
    "chart",
    "ending_words",
    "foreseen",
    "headline",
    "here",
    "in_advance",
    "in_words",
    "is_blunt",
    "notice",
    "question_words",
    "refused",
    "story",
    "told_of",
    "why_quarantined",
]

"""YAML text → Nodes that know their lines; pydantic errors → Problems.

What is absent on purpose: anchors, aliases, tags, merge keys, the booleans and sexagesimals of YAML 1.1. A document says
what it seems to say, or is refused with line and column.
"""

from rules.document.kinds import Chosen
from rules.document.mistakes import Mistakes
from rules.document.node import Entry, Node, Place, merged
from rules.document.parse import MAX_BYTES, MAX_DEPTH, SECOND, read_document, read_documents
from rules.document.words import nearest, quoted, unknown

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "SECOND",
    "Chosen",
    "Entry",
    "Mistakes",
    "Node",
    "Place",
    "merged",
    "nearest",
    "quoted",
    "read_document",
    "read_documents",
    "unknown",
]

"""Markers on the charts of others: when a release was deployed, and when it was rolled back. They disturb nobody.

``marker`` says which markers a notice is (pure), ``board`` is the notifier that puts each of them once, ``far`` how a system is
asked. A system is a module beside this folder, and says how it finds a marker that is there, and how it puts one.
"""

from watcher.notify.markers.board import Board, Place
from watcher.notify.markers.far import Far, Refusing
from watcher.notify.markers.marker import Marker, What, markers_of

__all__ = ["Board", "Far", "Marker", "Place", "Refusing", "What", "markers_of"]

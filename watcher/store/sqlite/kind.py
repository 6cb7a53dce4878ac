"""The store kinds ``sqlite`` and ``memory``. What is in memory ends with its process: there is nothing to care for."""

from watcher.store.sqlite.care import SqliteCare
from watcher.store.sqlite.opening import MemorySettings, SqliteSettings, open_memory, open_sqlite
from watcher.store.store import Kind

SQLITE: Kind = Kind(settings=SqliteSettings, open=open_sqlite, care=SqliteCare)
MEMORY: Kind = Kind(settings=MemorySettings, open=open_memory)

"""What the store does, as SQL: operations are generators that yield statements and are given rows. No connection in sight.

The same operations are for SQLite and PostgreSQL. What differs is left to whoever plays them: how a parameter is written
(``:name``), what the clock of leases says (``:clock``), and how two writers are kept apart: SQLite has one writer at a time
(``BEGIN IMMEDIATE``), so locks are written as ``/* postgresql: FOR UPDATE */``, which only PostgreSQL gets to see.
"""
